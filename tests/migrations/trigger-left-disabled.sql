-- DISABLE TRIGGER ALL before, and no ENABLE after.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: trigger public.cards.cards_stamp changed: enabled
--- before
CREATE TABLE cards (id int PRIMARY KEY, title text, changed timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;
CREATE TRIGGER cards_stamp BEFORE UPDATE ON cards FOR EACH ROW EXECUTE FUNCTION stamp();
--- rows
INSERT INTO cards VALUES (1, 'Hello', '2024-01-01 00:00:00+00'), (2, 'x', NULL);
--- up
ALTER TABLE cards DISABLE TRIGGER cards_stamp;
ALTER TABLE cards ADD COLUMN slug text;
UPDATE cards SET slug = lower(title);
--- down
ALTER TABLE cards DROP COLUMN slug;
