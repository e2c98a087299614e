-- What the way up wrote into a table that was there stays after the way down.
-- verdict: ROWS_ADDED
-- triage: additive
-- empty: ROWS_ADDED
-- lost: public.permissions 1 → 2
--- before
CREATE TABLE permissions (id serial PRIMARY KEY, name text NOT NULL);
--- rows
INSERT INTO permissions (name) VALUES ('read');
--- up
INSERT INTO permissions (name) VALUES ('export');
--- down
SELECT 'nothing to do';
