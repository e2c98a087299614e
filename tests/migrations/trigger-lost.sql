-- Dropped for a change of many rows, never made again.
-- verdict: FAILS
-- triage: review
-- reason: trigger "pages_stamp" for table "pages" does not exist
-- differs: trigger public.pages.pages_stamp removed
--- before
CREATE TABLE pages (id int PRIMARY KEY, body text, changed timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;
CREATE TRIGGER pages_stamp BEFORE UPDATE ON pages FOR EACH ROW EXECUTE FUNCTION stamp();
--- rows
INSERT INTO pages VALUES (1, 'Hello', '2024-01-01 00:00:00+00');
--- up
DROP TRIGGER pages_stamp ON pages;
ALTER TABLE pages ADD COLUMN length int;
UPDATE pages SET length = length(body);
--- down
ALTER TABLE pages DROP COLUMN length;
