-- The commonest of all: the column comes back, empty.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.guests: nickname
--- before
CREATE TABLE guests (id int PRIMARY KEY, name text NOT NULL, nickname text);
--- rows
INSERT INTO guests VALUES (1, 'Ann', 'A'), (2, 'Ben', NULL);
--- up
ALTER TABLE guests DROP COLUMN nickname;
--- down
ALTER TABLE guests ADD COLUMN nickname text;
