-- One space, and only one: parts and whole are the same.
-- verdict: COLUMN_ORDER
-- triage: breaking
-- generated: DATA_LOST
--- before
CREATE TABLE keys (id int PRIMARY KEY, pair text NOT NULL, note text);
--- rows
INSERT INTO keys VALUES (1, 'a b', NULL), (2, 'c d', 'x');
--- up
ALTER TABLE keys ADD COLUMN first text, ADD COLUMN second text;
UPDATE keys SET first = split_part(pair, ' ', 1), second = split_part(pair, ' ', 2);
ALTER TABLE keys DROP COLUMN pair;
--- down
ALTER TABLE keys ADD COLUMN pair text;
UPDATE keys SET pair = first || ' ' || second;
ALTER TABLE keys ALTER COLUMN pair SET NOT NULL, DROP COLUMN first, DROP COLUMN second;
