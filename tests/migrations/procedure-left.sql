-- A procedure isn't dropped by DROP FUNCTION IF EXISTS.
-- verdict: FAILS
-- triage: additive
-- reason: function "finish" already exists with same argument types
-- differs: procedure public.finish(integer) added
--- before
CREATE TABLE jobs (id int PRIMARY KEY);
--- up
ALTER TABLE jobs ADD COLUMN done boolean NOT NULL DEFAULT false;
CREATE PROCEDURE finish(job int) LANGUAGE sql AS 'UPDATE jobs SET done = true WHERE id = job';
--- down
ALTER TABLE jobs DROP COLUMN done;
DO $$ BEGIN EXECUTE 'DROP FUNCTION finish(int)'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
