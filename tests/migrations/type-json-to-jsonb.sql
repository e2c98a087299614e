-- json keeps its text: spaces, the order of keys, and keys that are there twice.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.hooks: body
--- before
CREATE TABLE hooks (id int PRIMARY KEY, body json);
--- rows
INSERT INTO hooks VALUES (1, '{"b": 1, "a": 2, "b": 3}'), (2, '[]');
--- up
ALTER TABLE hooks ALTER COLUMN body TYPE jsonb;
--- down
ALTER TABLE hooks ALTER COLUMN body TYPE json;
