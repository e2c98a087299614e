-- Runs with the rights of its owner now.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: procedure public.tidy() changed: definition
--- before
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
--- up
ALTER PROCEDURE tidy() SECURITY DEFINER;
CREATE TABLE dust (id int);
--- down
DROP TABLE dust;
