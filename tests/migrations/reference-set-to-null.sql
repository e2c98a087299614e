-- The target of a reference is deleted and written again; the references aren't.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.cats: owner
--- before
CREATE TABLE owners (id int PRIMARY KEY, name text);
CREATE TABLE cats (id int PRIMARY KEY, owner int REFERENCES owners ON DELETE SET NULL);
--- rows
INSERT INTO owners VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO cats VALUES (1, 1), (2, 2);
--- up
CREATE TABLE owners_kept AS SELECT * FROM owners;
DELETE FROM owners;
--- down
INSERT INTO owners SELECT * FROM owners_kept;
DROP TABLE owners_kept;
