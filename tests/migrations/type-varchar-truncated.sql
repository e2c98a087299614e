-- Whatever is longer than ten characters.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.labels: word
--- before
CREATE TABLE labels (id int PRIMARY KEY, word varchar(100));
--- rows
INSERT INTO labels VALUES (1, 'short'), (2, 'much longer than that');
--- up
ALTER TABLE labels ALTER COLUMN word TYPE varchar(10) USING substr(word, 1, 10);
--- down
ALTER TABLE labels ALTER COLUMN word TYPE varchar(100);
