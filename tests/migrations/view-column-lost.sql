-- An older text of the view was put into the down.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: view public.tall_plants changed: columns, definition
--- before
CREATE TABLE plants (id int PRIMARY KEY, name text, height int);
CREATE VIEW tall_plants AS SELECT id, name, height FROM plants WHERE height > 100;
--- up
DROP VIEW tall_plants;
CREATE VIEW tall_plants AS SELECT id, name, height, height / 2.54 AS inches FROM plants WHERE height > 100;
--- down
DROP VIEW tall_plants;
CREATE VIEW tall_plants AS SELECT id, name FROM plants WHERE height > 100;
