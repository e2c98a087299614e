-- The column comes back with the default that somebody remembered.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.seats.price changed: default
--- before
CREATE TABLE seats (id int PRIMARY KEY, price numeric(8,2) NOT NULL DEFAULT 12.50);
--- rows
INSERT INTO seats VALUES (1, 12.50), (2, 12.50);
--- up
ALTER TABLE seats DROP COLUMN price;
--- down
ALTER TABLE seats ADD COLUMN price numeric(8,2) NOT NULL DEFAULT 12.5;
ALTER TABLE seats ALTER COLUMN price SET DEFAULT 15;
