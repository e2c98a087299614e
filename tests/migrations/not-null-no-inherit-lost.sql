-- Heirs may no longer leave it out.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 18
-- differs: column public.users.mail changed: null
--- before
CREATE TABLE users (id int, mail text, CONSTRAINT users_mail_not_null NOT NULL mail NO INHERIT);
--- up
ALTER TABLE users DROP CONSTRAINT users_mail_not_null;
--- down
ALTER TABLE users ALTER COLUMN mail SET NOT NULL;
