-- Values are lost with it, where a and b aren't equal.
-- verdict: NOT_RESTORED
-- triage: breaking
-- lost: public.tiles: area
-- differs: column public.tiles.area changed: generated
--- before
CREATE TABLE tiles (id int PRIMARY KEY, a int, b int, area int GENERATED ALWAYS AS (a * b) STORED);
--- rows
INSERT INTO tiles (id, a, b) VALUES (1, 2, 3), (2, 4, 1);
--- up
ALTER TABLE tiles DROP COLUMN area;
--- down
ALTER TABLE tiles ADD COLUMN area int GENERATED ALWAYS AS (a * a) STORED;
