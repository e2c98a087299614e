-- Quick to fill, and empty after a crash.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: table public.samples changed: persistence
--- before
CREATE TABLE samples (id int PRIMARY KEY, value int);
--- rows
INSERT INTO samples VALUES (1, 1);
--- up
ALTER TABLE samples SET UNLOGGED;
ALTER TABLE samples ADD COLUMN double int;
UPDATE samples SET double = 2 * value;
--- down
ALTER TABLE samples DROP COLUMN double;
