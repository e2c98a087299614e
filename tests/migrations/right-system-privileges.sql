-- Granted and revoked again.
-- verdict: RESTORED
-- triage: review
--- before
CREATE EXTENSION pgrowlocks;
--- up
GRANT EXECUTE ON FUNCTION pg_ls_logdir() TO pair_reader;
GRANT SELECT ON pg_hba_file_rules TO pair_reader;
REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pgrowlocks(text) FROM PUBLIC;
--- down
REVOKE EXECUTE ON FUNCTION pg_ls_logdir() FROM pair_reader;
REVOKE SELECT ON pg_hba_file_rules FROM pair_reader;
GRANT USAGE ON LANGUAGE sql TO PUBLIC;
GRANT EXECUTE ON FUNCTION pgrowlocks(text) TO PUBLIC;
