-- A lower level.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: security label of pair on table public.files changed: label
--- before
CREATE TABLE files (id int PRIMARY KEY);
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('files'::regclass, 'pg_class'::regclass, 0, 'pair', 'secret');
--- up
ALTER TABLE files ADD COLUMN name text;
SET LOCAL allow_system_table_mods = on;
UPDATE pg_seclabel SET label = 'public';
--- down
ALTER TABLE files DROP COLUMN name;
