-- DROP TABLE … CASCADE takes the foreign keys of others with it; the down makes the table alone.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: constraint public.shirts.shirts_colour_fkey removed
--- before
CREATE TABLE colours (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE shirts (id int PRIMARY KEY, colour int REFERENCES colours);
--- rows
INSERT INTO shirts VALUES (1, NULL);
--- up
DROP TABLE colours CASCADE;
--- down
CREATE TABLE colours (id int PRIMARY KEY, name text NOT NULL);
