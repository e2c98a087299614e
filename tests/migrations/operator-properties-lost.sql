-- It works, but the planner knows nothing of it any more: no hash join, no index.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: operator public.!==(integer,integer) changed: negator
-- differs: operator public.===(integer,integer) changed: commutator, negator, restrict, join, hashes, merges
--- before
CREATE OPERATOR !== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ne);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = ===, NEGATOR = !==, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
--- up
DROP OPERATOR === (int, int);
--- down
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
