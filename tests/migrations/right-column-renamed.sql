-- There and back.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE horses (id int PRIMARY KEY, colour text);
CREATE INDEX horses_colour ON horses (colour);
CREATE VIEW coloured_horses AS SELECT id, colour FROM horses WHERE colour <> 'white';
--- rows
INSERT INTO horses VALUES (1, 'black'), (2, NULL);
--- up
ALTER TABLE horses RENAME COLUMN colour TO coat;
--- down
ALTER TABLE horses RENAME COLUMN coat TO colour;
