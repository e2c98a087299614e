-- Two became one key in the way up, and the old key is no key any more.
-- verdict: FAILS
-- triage: review
-- reason: could not create unique index
-- empty: RESTORED
--- before
CREATE TABLE dishes (id int PRIMARY KEY, name text NOT NULL, CONSTRAINT dishes_name UNIQUE (name));
--- rows
INSERT INTO dishes VALUES (1, 'Soup'), (2, 'soup');
--- up
ALTER TABLE dishes DROP CONSTRAINT dishes_name;
UPDATE dishes SET name = 'soup';
--- down
ALTER TABLE dishes ADD CONSTRAINT dishes_name UNIQUE (name);
