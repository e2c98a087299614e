-- Leading zeros.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.stores: zip
--- before
CREATE TABLE stores (id int PRIMARY KEY, zip text);
--- rows
INSERT INTO stores VALUES (1, '0150'), (2, '90210'), (3, NULL);
--- up
ALTER TABLE stores ALTER COLUMN zip TYPE int USING zip::int;
--- down
ALTER TABLE stores ALTER COLUMN zip TYPE text;
