-- Spaces at the end.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.rows_of_text: line
--- before
CREATE TABLE rows_of_text (id int PRIMARY KEY, line text);
--- rows
INSERT INTO rows_of_text VALUES (1, 'so'), (2, 'so  ');
--- up
ALTER TABLE rows_of_text ALTER COLUMN line TYPE char(80);
--- down
ALTER TABLE rows_of_text ALTER COLUMN line TYPE text;
