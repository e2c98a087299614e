-- Given and taken.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE parts (id int PRIMARY KEY);
--- up
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pair_reader;
--- down
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM pair_reader;
