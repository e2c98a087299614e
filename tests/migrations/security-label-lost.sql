-- As a module for mandatory access control would have set it.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: security label of pair on table public.files removed
--- before
CREATE TABLE files (id int PRIMARY KEY);
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('files'::regclass, 'pg_class'::regclass, 0, 'pair', 'secret');
--- up
DROP TABLE files;
--- down
CREATE TABLE files (id int PRIMARY KEY);
