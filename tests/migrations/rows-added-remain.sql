-- Nothing is lost, but the down migration leaves a row.
-- verdict: ROWS_ADDED
-- empty: ROWS_ADDED
-- triage: additive
-- reason: All earlier rows are unchanged, 1 were added
-- lost: public.roles 1 → 2
--- before
CREATE TABLE roles (id serial PRIMARY KEY, name text);
--- rows
INSERT INTO roles (name) VALUES ('admin');
--- up
INSERT INTO roles (name) VALUES ('auditor');
CREATE TABLE audits (id int);
--- down
DROP TABLE audits;
