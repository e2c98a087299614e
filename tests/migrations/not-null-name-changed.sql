-- In version 18 NOT NULL is a constraint with a name, which a migration may drop it by.
-- verdict: FAILS
-- triage: review
-- since: 18
-- reason: constraint "users_need_mail" of relation "users" does not exist
-- differs: column public.users.mail changed: null
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text CONSTRAINT users_need_mail NOT NULL);
--- up
ALTER TABLE users DROP CONSTRAINT users_need_mail;
--- down
ALTER TABLE users ALTER COLUMN mail SET NOT NULL;
