-- New tables can be read, but not written.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: default privileges of postgres in public on tables changed: privileges
--- before
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO pair_writer;
--- up
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT ON TABLES FROM pair_writer;
CREATE TABLE notes (id int);
--- down
DROP TABLE notes;
