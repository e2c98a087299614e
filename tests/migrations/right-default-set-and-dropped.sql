-- A default for one release.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE quotes (id int PRIMARY KEY, language text);
--- rows
INSERT INTO quotes VALUES (1, NULL), (2, 'nb');
--- up
ALTER TABLE quotes ALTER COLUMN language SET DEFAULT 'en';
--- down
ALTER TABLE quotes ALTER COLUMN language DROP DEFAULT;
