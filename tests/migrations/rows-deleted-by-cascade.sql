-- The down writes the category again; what hung on it is gone.
-- verdict: DATA_LOST
-- triage: additive
-- empty: ROWS_ADDED
-- generated: ROWS_ADDED
-- lost: public.goods 2 → 1: id, category
--- before
CREATE TABLE categories (id int PRIMARY KEY, name text);
CREATE TABLE goods (id int PRIMARY KEY, category int NOT NULL REFERENCES categories ON DELETE CASCADE);
--- rows
INSERT INTO categories VALUES (1, 'Misc'), (2, 'Tools');
INSERT INTO goods VALUES (1, 1), (2, 2);
--- up
DELETE FROM categories WHERE id = 1;
--- down
INSERT INTO categories VALUES (1, 'Misc');
