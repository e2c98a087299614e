-- The cache is no cache: nobody fills it again.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.thumbnails 2 → 0: id, picture
--- before
CREATE TABLE thumbnails (id int PRIMARY KEY, picture bytea);
--- rows
INSERT INTO thumbnails VALUES (1, '\x00ff'), (2, NULL);
--- up
TRUNCATE thumbnails;
ALTER TABLE thumbnails ADD COLUMN width int NOT NULL;
--- down
ALTER TABLE thumbnails DROP COLUMN width;
