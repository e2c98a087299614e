-- The storage parameters of the long values are set apart from the table's own.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: table public.logs changed: toast options
--- before
CREATE TABLE logs (id int PRIMARY KEY, body text) WITH (toast.autovacuum_enabled = false);
--- up
ALTER TABLE logs RESET (toast.autovacuum_enabled);
ALTER TABLE logs ADD COLUMN level int;
--- down
ALTER TABLE logs DROP COLUMN level;
