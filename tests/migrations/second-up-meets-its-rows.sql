-- The schema comes back; a row that the way up wrote stays, and is in the way of the second one.
-- verdict: FAILS
-- triage: additive
-- reason: duplicate key value
-- lost: public.roles 1 → 2
--- before
CREATE TABLE roles (id int PRIMARY KEY, name text UNIQUE);
--- rows
INSERT INTO roles VALUES (1, 'admin');
--- up
INSERT INTO roles VALUES (77, 'auditor');
CREATE TABLE audit_marks (id int PRIMARY KEY);
--- down
DROP TABLE audit_marks;
