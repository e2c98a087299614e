-- E-mail addresses in lower case; the down only drops the index.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.logins: email
--- before
CREATE TABLE logins (id int PRIMARY KEY, email text NOT NULL);
--- rows
INSERT INTO logins VALUES (1, 'Ann@X.test'), (2, 'ben@x.test');
--- up
UPDATE logins SET email = lower(email);
CREATE INDEX logins_email ON logins (email);
--- down
DROP INDEX logins_email;
