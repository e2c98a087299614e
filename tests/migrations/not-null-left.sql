-- The way up made the column required in passing.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.branches.city changed: null
--- before
CREATE TABLE branches (id int PRIMARY KEY, city text);
--- rows
INSERT INTO branches VALUES (1, 'Oslo'), (2, 'Bergen');
--- up
ALTER TABLE branches ALTER COLUMN city SET NOT NULL;
CREATE INDEX branches_city ON branches (city);
--- down
DROP INDEX branches_city;
