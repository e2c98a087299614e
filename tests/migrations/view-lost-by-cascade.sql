-- DROP COLUMN … CASCADE takes the view; the down thinks of the column.
-- verdict: NOT_RESTORED
-- triage: breaking
-- lost: public.bikes: gears
-- differs: view public.fast_bikes removed
--- before
CREATE TABLE bikes (id int PRIMARY KEY, gears int);
CREATE VIEW fast_bikes AS SELECT id FROM bikes WHERE gears > 20;
--- rows
INSERT INTO bikes VALUES (1, 7), (2, 27);
--- up
ALTER TABLE bikes DROP COLUMN gears CASCADE;
--- down
ALTER TABLE bikes ADD COLUMN gears int;
