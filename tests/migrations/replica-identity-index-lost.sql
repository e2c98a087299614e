-- Subscribers find rows by this index.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: table public.events changed: replica identity
--- before
CREATE TABLE events (id int PRIMARY KEY, code text NOT NULL);
CREATE UNIQUE INDEX events_code ON events (code);
ALTER TABLE events REPLICA IDENTITY USING INDEX events_code;
--- up
DROP INDEX events_code;
ALTER TABLE events REPLICA IDENTITY FULL;
--- down
CREATE UNIQUE INDEX events_code ON events (code);
ALTER TABLE events REPLICA IDENTITY DEFAULT;
