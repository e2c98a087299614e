-- The domain is made again without what made it one.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: constraint public.percent.percent_check removed
--- before
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE polls (id int PRIMARY KEY, yes percent);
--- rows
INSERT INTO polls VALUES (1, 50), (2, NULL);
--- up
ALTER TABLE polls ALTER COLUMN yes TYPE int;
DROP DOMAIN percent;
--- down
CREATE DOMAIN percent AS int;
ALTER TABLE polls ALTER COLUMN yes TYPE percent;
