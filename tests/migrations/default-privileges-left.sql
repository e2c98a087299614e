-- Whatever is made from now on can be read by one more role.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: default privileges of postgres in public on tables added
--- before
CREATE TABLE things (id int PRIMARY KEY);
--- up
CREATE TABLE stuff (id int PRIMARY KEY);
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pair_reader;
--- down
DROP TABLE stuff;
