-- The text of the version before, to the letter.
-- verdict: RESTORED
-- triage: review
--- before
CREATE FUNCTION discount(n int) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 0.9';
CREATE TABLE offers (id int PRIMARY KEY, price int, low numeric GENERATED ALWAYS AS (discount(price)) STORED);
--- rows
INSERT INTO offers (id, price) VALUES (1, 10), (2, NULL);
--- up
CREATE OR REPLACE FUNCTION discount(n int) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 0.8';
--- down
CREATE OR REPLACE FUNCTION discount(n int) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 0.9';
