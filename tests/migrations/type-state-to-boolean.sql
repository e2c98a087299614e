-- Three states don't go into two.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.tasks: state
--- before
CREATE TABLE tasks (id int PRIMARY KEY, state text NOT NULL);
--- rows
INSERT INTO tasks VALUES (1, 'open'), (2, 'done'), (3, 'waiting');
--- up
ALTER TABLE tasks ALTER COLUMN state TYPE boolean USING state = 'done';
--- down
ALTER TABLE tasks ALTER COLUMN state TYPE text USING CASE WHEN state THEN 'done' ELSE 'open' END;
