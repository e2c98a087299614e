-- NOT VALID first and validated then, so that nobody waits.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE heights (id int PRIMARY KEY, value int, CONSTRAINT heights_value CHECK (value > 0));
--- rows
INSERT INTO heights VALUES (1, 180), (2, NULL);
--- up
ALTER TABLE heights DROP CONSTRAINT heights_value;
--- down
ALTER TABLE heights ADD CONSTRAINT heights_value CHECK (value > 0) NOT VALID;
ALTER TABLE heights VALIDATE CONSTRAINT heights_value;
