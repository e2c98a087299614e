-- Fewer values are sampled.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: statistics public.places_city changed: target
--- before
CREATE TABLE places (id int PRIMARY KEY, city text, code text);
CREATE STATISTICS places_city (dependencies) ON city, code FROM places;
ALTER STATISTICS places_city SET STATISTICS 500;
--- up
DROP STATISTICS places_city;
--- down
CREATE STATISTICS places_city (dependencies) ON city, code FROM places;
