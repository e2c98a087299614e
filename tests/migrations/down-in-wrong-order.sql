-- The table before those that refer to it.
-- verdict: FAILS
-- triage: additive
-- reason: other objects depend on it
--- before
CREATE TABLE unrelated (id int PRIMARY KEY);
--- up
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE books (id int PRIMARY KEY, shelf int REFERENCES shelves);
--- down
DROP TABLE shelves;
DROP TABLE books;
