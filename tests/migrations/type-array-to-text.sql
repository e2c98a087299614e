-- A comma inside an element.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.meals: parts
--- before
CREATE TABLE meals (id int PRIMARY KEY, parts text[]);
--- rows
INSERT INTO meals VALUES (1, '{rice,beans}'), (2, '{"salt, pepper",oil}');
--- up
ALTER TABLE meals ALTER COLUMN parts TYPE text USING array_to_string(parts, ',');
--- down
ALTER TABLE meals ALTER COLUMN parts TYPE text[] USING string_to_array(parts, ',');
