-- Objects of an extension are compared by its version; the privileges on them are one's own.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: privileges on function public.pgrowlocks(pg_catalog.text) added
--- before
CREATE EXTENSION pgrowlocks;
--- up
GRANT EXECUTE ON FUNCTION pgrowlocks(text) TO pair_reader;
REVOKE EXECUTE ON FUNCTION pgrowlocks(text) FROM PUBLIC;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
