-- A view may have defaults of its own.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.alarms.kind removed
--- before
CREATE TABLE events (id int PRIMARY KEY, kind text, text text);
CREATE VIEW alarms AS SELECT id, kind, text FROM events WHERE kind = 'alarm';
ALTER VIEW alarms ALTER COLUMN kind SET DEFAULT 'alarm';
--- up
DROP VIEW alarms;
--- down
CREATE VIEW alarms AS SELECT id, kind, text FROM events WHERE kind = 'alarm';
