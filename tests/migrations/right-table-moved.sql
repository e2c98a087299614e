-- Into a schema of its own, and back.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE archive_entries (id serial PRIMARY KEY, text text);
--- rows
INSERT INTO archive_entries (text) VALUES ('x');
--- up
CREATE SCHEMA archive;
ALTER TABLE archive_entries SET SCHEMA archive;
--- down
ALTER TABLE archive.archive_entries SET SCHEMA public;
DROP SCHEMA archive;
