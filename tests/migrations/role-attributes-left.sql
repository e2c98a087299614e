-- More rights than before, for all databases.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: role pair_reader changed: attributes, connection limit, valid until, comment
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
ALTER ROLE pair_reader CREATEDB CONNECTION LIMIT 5 VALID UNTIL '2040-01-01 00:00:00+00';
COMMENT ON ROLE pair_reader IS 'of the reports';
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
ALTER ROLE pair_reader NOCREATEDB CONNECTION LIMIT -1 VALID UNTIL 'infinity';
COMMENT ON ROLE pair_reader IS NULL;
DROP ROLE pair_reader;
CREATE ROLE pair_reader;
