-- A new table under the old name, with all that the old one had.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE goals (id int PRIMARY KEY, text text NOT NULL, CONSTRAINT goals_text CHECK (text <> ''));
--- rows
INSERT INTO goals VALUES (1, 'run'), (2, 'rest');
--- up
ALTER TABLE goals RENAME TO goals_before;
CREATE TABLE goals (id int, text varchar(200), year int);
INSERT INTO goals SELECT id, text, 2024 FROM goals_before;
--- down
DROP TABLE goals;
ALTER TABLE goals_before RENAME TO goals;
