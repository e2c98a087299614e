-- The rows are all there, in a table of their own.
-- verdict: FAILS
-- triage: review
-- reason: relation "logins_rest" is not a partition of relation "logins"
-- differs: column public.logins_rest.at changed: inherited
-- differs: column public.logins_rest.person changed: inherited
-- differs: table public.logins_rest changed: bounds, inherits
--- before
CREATE TABLE logins (at date, person int) PARTITION BY LIST (at);
CREATE TABLE logins_rest PARTITION OF logins DEFAULT;
--- rows
INSERT INTO logins VALUES ('2024-03-01', 1);
--- up
ALTER TABLE logins DETACH PARTITION logins_rest;
CREATE TABLE logins_first PARTITION OF logins FOR VALUES IN ('2024-01-01');
--- down
DROP TABLE logins_first;
