-- No file at all.
-- verdict: IRREVERSIBLE
-- triage: additive
--- before
CREATE TABLE bands (id int PRIMARY KEY);
--- up
ALTER TABLE bands ADD COLUMN name text NOT NULL DEFAULT '';
