-- What the server keeps is taken back too.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
CREATE ROLE pair_extra CONNECTION LIMIT 3;
GRANT pair_extra TO pair_reader;
GRANT SELECT ON reports TO pair_extra;
ALTER ROLE pair_reader SET search_path = reports;
COMMENT ON ROLE pair_reader IS 'x';
ALTER ROLE ALL SET lock_timeout = 4000;
--- down
ALTER ROLE ALL RESET lock_timeout;
COMMENT ON ROLE pair_reader IS NULL;
ALTER ROLE pair_reader RESET search_path;
REVOKE ALL ON reports FROM pair_extra;
DROP ROLE pair_extra;
--- after
ALTER ROLE ALL RESET lock_timeout;
COMMENT ON ROLE pair_reader IS NULL;
ALTER ROLE pair_reader RESET search_path;
DROP ROLE IF EXISTS pair_extra;
