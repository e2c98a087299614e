-- A table like the one before, without its rows.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.surveys 2 → 0: id, text
--- before
CREATE TABLE surveys (id int PRIMARY KEY, text text NOT NULL);
--- rows
INSERT INTO surveys VALUES (1, 'How?'), (2, 'Why?');
--- up
DROP TABLE surveys;
--- down
CREATE TABLE surveys (id int PRIMARY KEY, text text NOT NULL);
