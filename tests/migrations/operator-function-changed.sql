-- It is equal no more.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: operator public.===(integer,integer) changed: function
--- before
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
--- up
DROP OPERATOR === (int, int);
--- down
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4le);
