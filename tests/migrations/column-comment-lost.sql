-- Comments are what some tools generate code and masks from.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.people.born changed: comment
--- before
CREATE TABLE people (id int PRIMARY KEY, born date);
COMMENT ON COLUMN people.born IS 'personal';
--- up
ALTER TABLE people DROP COLUMN born;
--- down
ALTER TABLE people ADD COLUMN born date;
