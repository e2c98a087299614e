-- A privilege on a parameter holds in all databases.
-- verdict: NOT_RESTORED
-- triage: additive
-- since: 15
-- differs: parameter log_statement added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
GRANT SET ON PARAMETER log_statement TO pair_reader;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
REVOKE SET ON PARAMETER log_statement FROM pair_reader;
