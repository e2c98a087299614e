-- The view that was made later in the same file needs the column.
-- verdict: FAILS
-- triage: additive
-- reason: other objects depend on it
--- before
CREATE TABLE trees (id int PRIMARY KEY);
--- up
ALTER TABLE trees ADD COLUMN age int;
CREATE VIEW old_trees AS SELECT id FROM trees WHERE age > 100;
--- down
ALTER TABLE trees DROP COLUMN age;
