-- Cents.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.drinks: price
--- before
CREATE TABLE drinks (id int PRIMARY KEY, price numeric(8,2) NOT NULL);
--- rows
INSERT INTO drinks VALUES (1, 3.00), (2, 2.49);
--- up
ALTER TABLE drinks ALTER COLUMN price TYPE int;
--- down
ALTER TABLE drinks ALTER COLUMN price TYPE numeric(8,2);
