-- A cast that people made hides the value from whoever reads it as text.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.tasks: state
--- before
CREATE TYPE state AS ENUM ('open', 'done');
CREATE FUNCTION hidden(state) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'hidden'$$;
CREATE CAST (state AS text) WITH FUNCTION hidden(state) AS IMPLICIT;
CREATE TABLE tasks (id int PRIMARY KEY, state state NOT NULL);
--- rows
INSERT INTO tasks VALUES (1, 'open'), (2, 'done');
--- up
UPDATE tasks SET state = 'done';
--- down
SELECT 1;
