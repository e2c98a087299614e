-- Every row is written, and no old value changes.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE titles (id int PRIMARY KEY, title text NOT NULL);
--- rows
INSERT INTO titles VALUES (1, 'Snow'), (2, 'Æøå');
--- up
ALTER TABLE titles ADD COLUMN slug text;
UPDATE titles SET slug = lower(title) || '-' || id;
ALTER TABLE titles ALTER COLUMN slug SET NOT NULL;
--- down
ALTER TABLE titles DROP COLUMN slug;
