-- Only one row had a space.
-- verdict: DATA_LOST
-- triage: review
-- lost: public.cheeses: name
--- before
CREATE TABLE cheeses (id int PRIMARY KEY, name text NOT NULL);
--- rows
INSERT INTO cheeses VALUES (1, 'Brie'), (2, 'Gouda ');
--- up
UPDATE cheeses SET name = rtrim(name);
ALTER TABLE cheeses ADD CONSTRAINT cheeses_trimmed CHECK (name = rtrim(name));
--- down
ALTER TABLE cheeses DROP CONSTRAINT cheeses_trimmed;
