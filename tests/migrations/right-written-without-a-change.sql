-- Every row is written with the values that it has.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE coins (id int PRIMARY KEY, face text);
--- rows
INSERT INTO coins VALUES (1, 'heads'), (2, NULL);
--- up
UPDATE coins SET face = face;
CREATE INDEX coins_face ON coins (face);
--- down
DROP INDEX coins_face;
