-- One role had it already.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: privileges on function pg_catalog.pg_ls_logdir() changed: privileges
--- before
GRANT EXECUTE ON FUNCTION pg_ls_logdir() TO pair_reader;
--- up
GRANT EXECUTE ON FUNCTION pg_ls_logdir() TO pair_writer;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
