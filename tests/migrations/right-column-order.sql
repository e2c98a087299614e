-- The column stands at the end now; its values are what they were.
-- verdict: COLUMN_ORDER
-- triage: breaking
--- before
CREATE TABLE singers (id int PRIMARY KEY, voice text, name text NOT NULL);
--- rows
INSERT INTO singers VALUES (1, 'alto', 'Ann'), (2, NULL, 'Ben');
--- up
CREATE TABLE voices AS SELECT id, voice FROM singers;
ALTER TABLE singers DROP COLUMN voice;
--- down
ALTER TABLE singers ADD COLUMN voice text;
UPDATE singers SET voice = v.voice FROM voices v WHERE v.id = singers.id;
DROP TABLE voices;
