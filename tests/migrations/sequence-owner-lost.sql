-- Made by hand again: it stays behind when the table goes.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: sequence public.invoices_id_seq changed: owned by
--- before
CREATE TABLE invoices (id serial PRIMARY KEY, total int);
--- rows
INSERT INTO invoices (total) VALUES (10), (20);
--- up
ALTER TABLE invoices ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE invoices_id_seq;
--- down
CREATE SEQUENCE invoices_id_seq AS integer;
SELECT setval('invoices_id_seq', coalesce(max(id), 1)) FROM invoices;
ALTER TABLE invoices ALTER COLUMN id SET DEFAULT nextval('invoices_id_seq');
