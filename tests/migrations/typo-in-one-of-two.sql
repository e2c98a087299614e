-- One of two drops finds its object.
-- verdict: FAILS
-- triage: additive
-- reason: relation "cities_by_zip" already exists
-- warns: index "cities_zip" does not exist, skipping
-- differs: index public.cities_by_zip added
--- before
CREATE TABLE cities (id int PRIMARY KEY, name text, zip text);
--- up
CREATE INDEX cities_by_name ON cities (name);
CREATE INDEX cities_by_zip ON cities (zip);
--- down
DROP INDEX IF EXISTS cities_by_name;
DROP INDEX IF EXISTS cities_zip;
