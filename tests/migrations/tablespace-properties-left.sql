-- They belong to the server, and are compared all the same.
-- verdict: NOT_RESTORED
-- triage: review
-- transaction: no
-- differs: tablespace pair_fast changed: options, owner, privileges, comment
--- before
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE pair_fast LOCATION '' WITH (seq_page_cost = 2);
--- up
ALTER TABLESPACE pair_fast SET (seq_page_cost = 1);
GRANT CREATE ON TABLESPACE pair_fast TO pair_reader;
ALTER TABLESPACE pair_fast OWNER TO pair_writer;
COMMENT ON TABLESPACE pair_fast IS 'on the new disk';
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
DROP TABLESPACE IF EXISTS pair_fast;
