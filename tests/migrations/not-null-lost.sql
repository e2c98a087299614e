-- The column comes back, and may be empty now.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: column public.tickets.body changed: null
--- before
CREATE TABLE tickets (id int PRIMARY KEY, subject text NOT NULL, body text NOT NULL);
--- up
ALTER TABLE tickets ALTER COLUMN body DROP NOT NULL;
ALTER TABLE tickets ADD COLUMN format text;
--- down
ALTER TABLE tickets DROP COLUMN format;
