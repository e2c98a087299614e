-- The definition of a constraint says nothing of its index's parameters.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.users.users_mail changed: index options, index comment
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text, CONSTRAINT users_mail UNIQUE (mail) WITH (fillfactor = 70));
COMMENT ON INDEX users_mail IS 'filled slowly';
--- up
ALTER TABLE users DROP CONSTRAINT users_mail;
--- down
ALTER TABLE users ADD CONSTRAINT users_mail UNIQUE (mail);
