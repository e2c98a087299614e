-- Long enough for all.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE roads (id int PRIMARY KEY, name text);
--- rows
INSERT INTO roads VALUES (1, 'Karl Johans gate'), (2, NULL), (3, 'Straße  ');
--- up
ALTER TABLE roads ALTER COLUMN name TYPE varchar(255);
--- down
ALTER TABLE roads ALTER COLUMN name TYPE text;
