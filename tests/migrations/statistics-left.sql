-- Extended statistics belong to nobody's list of things to drop.
-- verdict: FAILS
-- triage: additive
-- reason: statistics object "homes_city_zip" already exists
-- differs: statistics public.homes_city_zip added
--- before
CREATE TABLE homes (id int PRIMARY KEY, city text, zip text);
--- up
CREATE INDEX homes_city ON homes (city);
CREATE STATISTICS homes_city_zip (dependencies) ON city, zip FROM homes;
--- down
DROP INDEX homes_city;
