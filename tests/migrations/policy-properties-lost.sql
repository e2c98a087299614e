-- For all statements and roles, and permissive.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: policy public.notes.own changed: command, mode, roles, check
--- before
CREATE TABLE notes (id int PRIMARY KEY, author text);
CREATE POLICY own ON notes AS RESTRICTIVE FOR UPDATE TO pair_reader, pair_writer USING (author = current_user) WITH CHECK (author = current_user);
--- up
DROP POLICY own ON notes;
--- down
CREATE POLICY own ON notes USING (author = current_user);
