-- The one who runs the migration owns what it makes.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: table public.files changed: owner
--- before
CREATE TABLE files (id int PRIMARY KEY);
ALTER TABLE files OWNER TO pair_writer;
--- up
DROP TABLE files;
--- down
CREATE TABLE files (id int PRIMARY KEY);
