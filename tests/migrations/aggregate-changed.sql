-- It starts with another value, and keeps less memory in mind.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: aggregate public.product(integer) changed: aggregate
--- before
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int, initcond = '1', sspace = 64, parallel = safe);
--- up
DROP AGGREGATE product(int);
--- down
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int, initcond = '0');
