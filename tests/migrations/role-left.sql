-- Roles belong to the server: dropping the tables doesn't drop them.
-- verdict: FAILS
-- triage: additive
-- reason: role "pair_extra" already exists
-- differs: role pair_extra added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
CREATE ROLE pair_extra;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
DROP ROLE IF EXISTS pair_extra;
