-- Old rows go in passing.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.sessions 2 → 1: id, ends
--- before
CREATE TABLE sessions (id int PRIMARY KEY, ends timestamptz);
--- rows
INSERT INTO sessions VALUES (1, '2020-01-01 00:00:00+00'), (2, NULL);
--- up
DELETE FROM sessions WHERE ends IS NOT NULL;
ALTER TABLE sessions ADD COLUMN agent text;
--- down
ALTER TABLE sessions DROP COLUMN agent;
