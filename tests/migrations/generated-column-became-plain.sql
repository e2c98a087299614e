-- The values are right today.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.boxes.area changed: generated
--- before
CREATE TABLE boxes (id int PRIMARY KEY, a int, b int, area int GENERATED ALWAYS AS (a * b) STORED);
--- rows
INSERT INTO boxes (id, a, b) VALUES (1, 2, 3), (2, NULL, 1);
--- up
ALTER TABLE boxes DROP COLUMN area;
--- down
ALTER TABLE boxes ADD COLUMN area int;
UPDATE boxes SET area = a * b;
