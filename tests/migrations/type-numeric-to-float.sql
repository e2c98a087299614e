-- More digits than a float keeps.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.weights: grams
--- before
CREATE TABLE weights (id int PRIMARY KEY, grams numeric NOT NULL);
--- rows
INSERT INTO weights VALUES (1, 12345678901234567.25), (2, 0.5);
--- up
ALTER TABLE weights ALTER COLUMN grams TYPE double precision;
--- down
ALTER TABLE weights ALTER COLUMN grams TYPE numeric;
