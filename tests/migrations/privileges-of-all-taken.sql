-- What everyone may by default is not listed anywhere until someone takes it away.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: aggregate public.product(integer) changed: privileges
-- differs: composite type public.pair changed: privileges
-- differs: language pair_language changed: privileges
-- differs: range public.span changed: privileges
--- before
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int);
CREATE TRUSTED LANGUAGE pair_language HANDLER plpgsql_call_handler;
--- up
REVOKE USAGE ON TYPE pair, span FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION product(int) FROM PUBLIC;
REVOKE USAGE ON LANGUAGE pair_language FROM PUBLIC;
CREATE TABLE notes (id int);
--- down
DROP TABLE notes;
