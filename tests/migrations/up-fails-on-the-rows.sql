-- NOT NULL without a default, on a table that isn't empty.
-- verdict: FAILS
-- triage: additive
-- generated: RESTORED
-- unseen: yes
-- reason: contains null values
-- empty: RESTORED
--- before
CREATE TABLE windows (id int PRIMARY KEY);
--- rows
INSERT INTO windows VALUES (1), (2);
--- up
ALTER TABLE windows ADD COLUMN width int NOT NULL;
--- down
ALTER TABLE windows DROP COLUMN width;
