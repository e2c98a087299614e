-- The newest kind of object that has them.
-- verdict: NOT_RESTORED
-- triage: additive
-- since: 18
-- differs: default privileges of postgres on large objects added
--- before
CREATE TABLE notes (id int);
--- up
ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO pair_reader;
ALTER TABLE notes ADD COLUMN file oid;
--- down
ALTER TABLE notes DROP COLUMN file;
