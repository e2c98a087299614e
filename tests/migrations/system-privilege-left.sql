-- The server's own functions and views have privileges too.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: privileges on function pg_catalog.pg_ls_logdir() added
-- differs: privileges on language sql added
-- differs: privileges on view pg_catalog.pg_hba_file_rules added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
GRANT EXECUTE ON FUNCTION pg_ls_logdir() TO pair_reader;
GRANT SELECT ON pg_hba_file_rules TO pair_reader;
REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
