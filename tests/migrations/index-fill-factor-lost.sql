-- Storage parameters are part of an index's definition.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: index public.users_mail changed: definition
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text);
CREATE INDEX users_mail ON users (mail) WITH (fillfactor = 70);
--- up
ALTER TABLE users ADD COLUMN phone text;
ALTER INDEX users_mail RESET (fillfactor);
--- down
ALTER TABLE users DROP COLUMN phone;
