-- A view has to go for a change of a column's type, and comes back with its privileges.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE meters (id int PRIMARY KEY, value int);
CREATE VIEW high_meters AS SELECT id, value FROM meters WHERE value > 1000;
GRANT SELECT ON high_meters TO pair_reader;
COMMENT ON VIEW high_meters IS 'for the daily mail';
--- rows
INSERT INTO meters VALUES (1, 10), (2, 2000);
--- up
DROP VIEW high_meters;
ALTER TABLE meters ALTER COLUMN value TYPE bigint;
CREATE VIEW high_meters AS SELECT id, value FROM meters WHERE value > 1000;
GRANT SELECT ON high_meters TO pair_reader;
COMMENT ON VIEW high_meters IS 'for the daily mail';
--- down
DROP VIEW high_meters;
ALTER TABLE meters ALTER COLUMN value TYPE int;
CREATE VIEW high_meters AS SELECT id, value FROM meters WHERE value > 1000;
GRANT SELECT ON high_meters TO pair_reader;
COMMENT ON VIEW high_meters IS 'for the daily mail';
