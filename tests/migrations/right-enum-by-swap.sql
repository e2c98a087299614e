-- The only way back from a new enum value: a type beside it, and its name.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TYPE gear AS ENUM ('low', 'high');
CREATE TABLE engines (id int PRIMARY KEY, gear gear NOT NULL DEFAULT 'low');
--- rows
INSERT INTO engines VALUES (1, 'low'), (2, 'high');
--- up
ALTER TYPE gear ADD VALUE 'reverse' BEFORE 'low';
--- down
ALTER TABLE engines ALTER COLUMN gear DROP DEFAULT;
ALTER TYPE gear RENAME TO gear_with_reverse;
CREATE TYPE gear AS ENUM ('low', 'high');
ALTER TABLE engines ALTER COLUMN gear TYPE gear USING gear::text::gear;
ALTER TABLE engines ALTER COLUMN gear SET DEFAULT 'low';
DROP TYPE gear_with_reverse;
