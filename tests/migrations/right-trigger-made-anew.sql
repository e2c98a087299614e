-- Dropped for a change of all rows and made again.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE docs (id int PRIMARY KEY, body text, changed timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;
CREATE TRIGGER docs_stamp BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION stamp();
--- rows
INSERT INTO docs VALUES (1, 'x', '2020-01-01 00:00:00+00'), (2, NULL, NULL);
--- up
DROP TRIGGER docs_stamp ON docs;
ALTER TABLE docs ADD COLUMN words int;
UPDATE docs SET words = 1;
CREATE TRIGGER docs_stamp BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION stamp();
--- down
ALTER TABLE docs DROP COLUMN words;
