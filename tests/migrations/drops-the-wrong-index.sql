-- The older index goes, the new one stays.
-- verdict: FAILS
-- triage: additive
-- reason: relation "hotels_city_stars" already exists
-- differs: index public.hotels_city removed
-- differs: index public.hotels_city_stars added
--- before
CREATE TABLE hotels (id int PRIMARY KEY, city text, stars int);
CREATE INDEX hotels_city ON hotels (city);
--- up
CREATE INDEX hotels_city_stars ON hotels (city, stars);
--- down
DROP INDEX hotels_city;
