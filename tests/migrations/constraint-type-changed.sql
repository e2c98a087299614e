-- Unique, but rows without a value are allowed.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: column public.users.mail changed: null
-- differs: constraint public.users.users_key changed: type, definition
--- before
CREATE TABLE users (mail text, name text, CONSTRAINT users_key PRIMARY KEY (mail));
--- up
ALTER TABLE users DROP CONSTRAINT users_key;
ALTER TABLE users ALTER COLUMN mail DROP NOT NULL;
--- down
ALTER TABLE users ADD CONSTRAINT users_key UNIQUE (mail);
