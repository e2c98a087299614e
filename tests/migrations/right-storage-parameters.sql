-- Set and reset.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE meetups (id int PRIMARY KEY, text text) WITH (fillfactor = 90);
--- up
ALTER TABLE meetups SET (fillfactor = 80, autovacuum_enabled = false);
ALTER TABLE meetups ALTER COLUMN text SET STATISTICS 500;
--- down
ALTER TABLE meetups ALTER COLUMN text SET STATISTICS -1;
ALTER TABLE meetups RESET (autovacuum_enabled);
ALTER TABLE meetups SET (fillfactor = 90);
