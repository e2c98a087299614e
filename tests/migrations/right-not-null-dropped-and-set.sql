-- The name that PostgreSQL chooses may be another one, after a table that had another name.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text NOT NULL);
CREATE TABLE guests (mail text NOT NULL);
CREATE DOMAIN code AS text NOT NULL;
--- rows
INSERT INTO users VALUES (1, 'a');
--- up
ALTER TABLE users ALTER COLUMN mail DROP NOT NULL;
ALTER TABLE guests ALTER COLUMN mail DROP NOT NULL;
ALTER TABLE guests RENAME TO visitors;
ALTER DOMAIN code DROP NOT NULL;
--- down
ALTER TABLE users ALTER COLUMN mail SET NOT NULL;
ALTER TABLE visitors ALTER COLUMN mail SET NOT NULL;
ALTER TABLE visitors RENAME TO guests;
ALTER DOMAIN code SET NOT NULL;
