-- Roles of a policy are a set.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE notes (id int PRIMARY KEY, author text);
CREATE POLICY own ON notes FOR UPDATE TO pair_reader, pair_writer USING (author = current_user);
--- up
DROP POLICY own ON notes;
--- down
CREATE POLICY own ON notes FOR UPDATE TO pair_writer, pair_reader USING (author = current_user);
