-- Put together again with another separator than people had typed.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.places: coordinates
--- before
CREATE TABLE places (id int PRIMARY KEY, coordinates text);
--- rows
INSERT INTO places VALUES (1, '59.9, 10.7'), (2, '60.4,5.3');
--- up
ALTER TABLE places ADD COLUMN lat text, ADD COLUMN lon text;
UPDATE places SET lat = trim(split_part(coordinates, ',', 1)), lon = trim(split_part(coordinates, ',', 2));
ALTER TABLE places DROP COLUMN coordinates;
--- down
ALTER TABLE places ADD COLUMN coordinates text;
UPDATE places SET coordinates = lat || ',' || lon;
ALTER TABLE places DROP COLUMN lat, DROP COLUMN lon;
