-- Nobody ever ran it.
-- verdict: FAILS
-- triage: additive
-- reason: syntax error
--- before
CREATE TABLE lamps (id int PRIMARY KEY);
--- up
ALTER TABLE lamps ADD COLUMN watt int;
--- down
ALTER TABLE lamps DROP COLUM watt;
