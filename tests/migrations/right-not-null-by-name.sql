-- A name of one's own comes back with it.
-- verdict: RESTORED
-- triage: review
-- since: 18
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text CONSTRAINT users_need_mail NOT NULL);
--- rows
INSERT INTO users VALUES (1, 'a');
--- up
ALTER TABLE users DROP CONSTRAINT users_need_mail;
--- down
ALTER TABLE users ADD CONSTRAINT users_need_mail NOT NULL mail NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_need_mail;
