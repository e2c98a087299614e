-- All that fits into one fits into the other.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE hits (id int PRIMARY KEY, number int NOT NULL DEFAULT 0);
--- rows
INSERT INTO hits VALUES (1, 5), (2, 2147483647);
--- up
ALTER TABLE hits ALTER COLUMN id TYPE bigint, ALTER COLUMN number TYPE bigint;
--- down
ALTER TABLE hits ALTER COLUMN id TYPE int, ALTER COLUMN number TYPE int;
