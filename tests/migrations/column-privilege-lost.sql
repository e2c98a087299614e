-- The column's own privileges go with the column.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.patients.ward changed: privileges
--- before
CREATE TABLE patients (id int PRIMARY KEY, name text, ward text);
GRANT SELECT (id, ward) ON patients TO pair_reader;
--- up
ALTER TABLE patients DROP COLUMN ward;
--- down
ALTER TABLE patients ADD COLUMN ward text;
