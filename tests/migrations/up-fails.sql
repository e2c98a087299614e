-- It never worked.
-- verdict: FAILS
-- triage: additive
-- reason: does not exist
--- before
CREATE TABLE doors (id int PRIMARY KEY);
--- up
ALTER TABLE door ADD COLUMN colour text;
--- down
ALTER TABLE door DROP COLUMN colour;
