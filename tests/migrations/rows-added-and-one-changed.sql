-- There are more rows, but an earlier one is not as it was.
-- verdict: DATA_LOST
-- empty: ROWS_ADDED
-- generated: DATA_LOST
-- triage: additive
-- lost: public.levels 1 → 2: id, name
--- before
CREATE TABLE levels (id serial PRIMARY KEY, name text);
--- rows
INSERT INTO levels (name) VALUES ('admin');
--- up
UPDATE levels SET name = upper(name);
INSERT INTO levels (name) VALUES ('AUDITOR');
CREATE TABLE level_audits (id int);
--- down
DROP TABLE level_audits;
