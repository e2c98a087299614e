-- Which of two equal rows was there is forgotten.
-- verdict: DATA_LOST
-- triage: review
-- generated: RESTORED
-- lost: public.subscribers 3 → 2: id, email
--- before
CREATE TABLE subscribers (id int PRIMARY KEY, email text NOT NULL);
--- rows
INSERT INTO subscribers VALUES (1, 'a@x.test'), (2, 'a@x.test'), (3, 'b@x.test');
--- up
DELETE FROM subscribers a USING subscribers b WHERE a.email = b.email AND a.id > b.id;
CREATE UNIQUE INDEX subscribers_email ON subscribers (email);
--- down
DROP INDEX subscribers_email;
