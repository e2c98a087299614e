-- "Anna Maria Smith": the first space isn't where the last name begins.
-- verdict: DATA_LOST
-- triage: breaking
-- empty: COLUMN_ORDER
-- lost: public.writers: first, last
--- before
CREATE TABLE writers (id int PRIMARY KEY, first text NOT NULL, last text NOT NULL, born int);
--- rows
INSERT INTO writers VALUES (1, 'Jo', 'Nes', 1960), (2, 'Anna Maria', 'Smith', NULL);
--- up
ALTER TABLE writers ADD COLUMN name text;
UPDATE writers SET name = first || ' ' || last;
ALTER TABLE writers ALTER COLUMN name SET NOT NULL;
ALTER TABLE writers DROP COLUMN first, DROP COLUMN last;
--- down
ALTER TABLE writers ADD COLUMN first text, ADD COLUMN last text;
UPDATE writers SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2);
ALTER TABLE writers ALTER COLUMN first SET NOT NULL, ALTER COLUMN last SET NOT NULL, DROP COLUMN name;
