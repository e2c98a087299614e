-- Two tables that refer to each other, dropped in an order that works.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff);
--- rows
INSERT INTO staff VALUES (1, NULL), (2, 1);
--- up
CREATE TABLE units (id int PRIMARY KEY, head int REFERENCES staff);
ALTER TABLE staff ADD COLUMN unit int REFERENCES units;
--- down
ALTER TABLE staff DROP COLUMN unit;
DROP TABLE units;
