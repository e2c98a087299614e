-- The value is put back; the trigger that notes changes has noted two.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.papers: changed
--- before
CREATE TABLE papers (id int PRIMARY KEY, state int NOT NULL, changed timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER papers_stamp BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION stamp();
--- rows
INSERT INTO papers VALUES (1, 1, '2020-01-01 00:00:00+00'), (2, 2, NULL);
--- up
UPDATE papers SET state = state + 1;
--- down
UPDATE papers SET state = state - 1;
