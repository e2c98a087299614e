-- The triggers behind a foreign key have new names each time.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE lands (id int PRIMARY KEY);
CREATE TABLE kings (id int PRIMARY KEY, land int REFERENCES lands ON DELETE SET NULL DEFERRABLE);
--- rows
INSERT INTO lands VALUES (1);
INSERT INTO kings VALUES (1, 1), (2, NULL);
--- up
ALTER TABLE kings DROP CONSTRAINT kings_land_fkey;
--- down
ALTER TABLE kings ADD FOREIGN KEY (land) REFERENCES lands (id) ON UPDATE NO ACTION ON DELETE SET NULL DEFERRABLE INITIALLY IMMEDIATE;
