-- What the planner knows is no schema.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE beers (id int PRIMARY KEY, name text);
--- rows
INSERT INTO beers SELECT n, 'beer ' || n FROM generate_series(1, 100) n;
--- up
CREATE INDEX beers_name ON beers (name);
ANALYZE beers;
--- down
DROP INDEX beers_name;
ANALYZE beers;
