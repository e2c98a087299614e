-- An honest author.
-- verdict: FAILS
-- triage: breaking
-- reason: this can't be undone
--- before
CREATE TABLE tracks (id int PRIMARY KEY, name text);
--- up
ALTER TABLE tracks DROP COLUMN name;
--- down
DO $$ BEGIN RAISE EXCEPTION 'this can''t be undone'; END $$;
