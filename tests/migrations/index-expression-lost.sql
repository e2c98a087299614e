-- lower(email) became email.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.members_email changed: definition, columns
--- before
CREATE TABLE members (id int PRIMARY KEY, email text NOT NULL);
CREATE UNIQUE INDEX members_email ON members (lower(email));
--- rows
INSERT INTO members VALUES (1, 'Ann@x.test'), (2, 'ben@x.test');
--- up
DROP INDEX members_email;
--- down
CREATE UNIQUE INDEX members_email ON members (email);
