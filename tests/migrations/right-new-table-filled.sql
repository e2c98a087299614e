-- Rows of a table that goes again are nobody's loss.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE rivers (id int PRIMARY KEY, country text);
--- rows
INSERT INTO rivers VALUES (1, 'no'), (2, 'se');
--- up
CREATE TABLE countries (code text PRIMARY KEY);
INSERT INTO countries SELECT DISTINCT country FROM rivers WHERE country IS NOT NULL;
ALTER TABLE rivers ADD CONSTRAINT rivers_country FOREIGN KEY (country) REFERENCES countries;
--- down
ALTER TABLE rivers DROP CONSTRAINT rivers_country;
DROP TABLE countries;
