-- Off while rows are written, on again.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE leads (id int PRIMARY KEY, name text, changed timestamptz);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;
CREATE TRIGGER leads_stamp BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION stamp();
--- rows
INSERT INTO leads VALUES (1, 'Ann', '2020-01-01 00:00:00+00'), (2, NULL, NULL);
--- up
ALTER TABLE leads DISABLE TRIGGER leads_stamp;
ALTER TABLE leads RENAME COLUMN name TO title;
UPDATE leads SET title = '<' || title || '>';
ALTER TABLE leads ENABLE TRIGGER leads_stamp;
--- down
ALTER TABLE leads DISABLE TRIGGER leads_stamp;
UPDATE leads SET title = substr(title, 2, length(title) - 2);
ALTER TABLE leads RENAME COLUMN title TO name;
ALTER TABLE leads ENABLE TRIGGER leads_stamp;
