-- Under the new name it is a new column.
-- verdict: DATA_LOST
-- triage: breaking
-- empty: COLUMN_ORDER
-- lost: public.dogs: owner
--- before
CREATE TABLE dogs (id int PRIMARY KEY, owner text, name text NOT NULL);
--- rows
INSERT INTO dogs VALUES (1, 'Ann', 'Rex'), (2, NULL, 'Bo');
--- up
ALTER TABLE dogs DROP COLUMN owner;
ALTER TABLE dogs ADD COLUMN keeper text;
--- down
ALTER TABLE dogs DROP COLUMN keeper;
ALTER TABLE dogs ADD COLUMN owner text;
