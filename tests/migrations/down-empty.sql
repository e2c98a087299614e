-- A file without a character.
-- verdict: IRREVERSIBLE
-- triage: additive
--- before
CREATE TABLE songs (id int PRIMARY KEY);
--- up
ALTER TABLE songs ADD COLUMN title text;
--- down
