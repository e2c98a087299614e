-- varchar(50) came back as varchar.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: column public.streets.name changed: type
--- before
CREATE TABLE streets (id int PRIMARY KEY, name varchar(50));
--- rows
INSERT INTO streets VALUES (1, 'Storgata'), (2, NULL);
--- up
ALTER TABLE streets ALTER COLUMN name TYPE text;
--- down
ALTER TABLE streets ALTER COLUMN name TYPE varchar;
