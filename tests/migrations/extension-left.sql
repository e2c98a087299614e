-- CREATE EXTENSION IF NOT EXISTS has no counterpart in the down.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: extension pg_trgm added
--- before
CREATE TABLE pens (id int PRIMARY KEY, name text);
--- up
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX pens_name ON pens USING gin (name gin_trgm_ops);
--- down
DROP INDEX pens_name;
