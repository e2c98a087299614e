-- Restored from a copy that was made of some columns.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.suppliers: rating
--- before
CREATE TABLE suppliers (id int PRIMARY KEY, name text, rating int);
--- rows
INSERT INTO suppliers VALUES (1, 'Ore', 5), (2, 'Tin', NULL);
--- up
CREATE TABLE suppliers_kept AS SELECT id, name FROM suppliers;
DELETE FROM suppliers;
--- down
INSERT INTO suppliers (id, name) SELECT id, name FROM suppliers_kept;
DROP TABLE suppliers_kept;
