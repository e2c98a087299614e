-- Added and dropped by name.
-- verdict: RESTORED
-- triage: review
--- before
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE inboxes (id int PRIMARY KEY, address email);
--- rows
INSERT INTO inboxes VALUES (1, 'a@x.test'), (2, NULL);
--- up
ALTER DOMAIN email ADD CONSTRAINT short CHECK (length(VALUE) < 200);
--- down
ALTER DOMAIN email DROP CONSTRAINT short;
