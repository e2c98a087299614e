-- active became disabled, and active again.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE alarms (id int PRIMARY KEY, active boolean);
--- rows
INSERT INTO alarms VALUES (1, true), (2, false), (3, NULL);
--- up
ALTER TABLE alarms RENAME COLUMN active TO disabled;
UPDATE alarms SET disabled = NOT disabled;
--- down
UPDATE alarms SET disabled = NOT disabled;
ALTER TABLE alarms RENAME COLUMN disabled TO active;
