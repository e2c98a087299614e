-- Other kinds of statistics, of other columns.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: statistics public.places_city changed: definition
--- before
CREATE TABLE places (id int PRIMARY KEY, city text, code text, land text);
CREATE STATISTICS places_city (dependencies, ndistinct) ON city, code FROM places;
--- up
DROP STATISTICS places_city;
--- down
CREATE STATISTICS places_city (dependencies) ON city, land FROM places;
