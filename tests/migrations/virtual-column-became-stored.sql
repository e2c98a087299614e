-- The same values, written to the disk.
-- verdict: NOT_RESTORED
-- triage: breaking
-- since: 18
-- differs: column public.items.gross changed: generated
--- before
CREATE TABLE items (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) VIRTUAL);
--- up
ALTER TABLE items DROP COLUMN gross;
--- down
ALTER TABLE items ADD COLUMN gross int GENERATED ALWAYS AS (net * 2) STORED;
