-- Another role may set it too.
-- verdict: NOT_RESTORED
-- triage: additive
-- since: 15
-- differs: parameter log_statement changed: privileges
--- before
GRANT SET ON PARAMETER log_statement TO pair_reader;
--- up
GRANT SET ON PARAMETER log_statement TO pair_writer;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
REVOKE SET ON PARAMETER log_statement FROM pair_reader, pair_writer;
