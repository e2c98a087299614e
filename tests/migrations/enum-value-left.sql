-- A value can't be taken from an enum: the author knew, and wrote a statement that does nothing.
-- verdict: IRREVERSIBLE
-- triage: additive
--- before
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE diaries (id int PRIMARY KEY, mood mood NOT NULL);
--- rows
INSERT INTO diaries VALUES (1, 'good'), (2, 'bad');
--- up
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'so-so' BEFORE 'bad';
--- down
SELECT 1;
