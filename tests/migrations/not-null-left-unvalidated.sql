-- Older rows were not checked.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 18
-- differs: column public.users.mail changed: null
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text NOT NULL);
--- up
ALTER TABLE users ALTER COLUMN mail DROP NOT NULL;
--- down
ALTER TABLE users ADD CONSTRAINT users_mail_not_null NOT NULL mail NOT VALID;
