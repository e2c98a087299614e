-- Somebody meant to write it.
-- verdict: IRREVERSIBLE
-- triage: additive
--- before
CREATE TABLE albums (id int PRIMARY KEY);
--- up
CREATE INDEX albums_id ON albums (id DESC);
--- down
-- TODO: DROP INDEX albums_id;
