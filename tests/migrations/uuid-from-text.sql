-- A uuid is always written in lower case.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.devices: token
--- before
CREATE TABLE devices (id int PRIMARY KEY, token text);
--- rows
INSERT INTO devices VALUES (1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), (2, NULL);
--- up
ALTER TABLE devices ALTER COLUMN token TYPE uuid USING token::uuid;
--- down
ALTER TABLE devices ALTER COLUMN token TYPE text;
