-- IF EXISTS of what is there.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE apples (id int PRIMARY KEY, sort text);
--- up
CREATE INDEX IF NOT EXISTS apples_sort ON apples (sort);
CREATE TABLE IF NOT EXISTS pears (id int PRIMARY KEY);
--- down
DROP TABLE IF EXISTS pears;
DROP INDEX IF EXISTS apples_sort;
