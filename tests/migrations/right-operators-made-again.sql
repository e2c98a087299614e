-- Operators, their class and family get other numbers, which no one sees.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE OPERATOR !== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ne);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = ===, NEGATOR = !==, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR CLASS whole FOR TYPE int USING hash AS OPERATOR 1 ===, FUNCTION 1 hashint4(int);
--- up
DROP OPERATOR FAMILY whole USING hash CASCADE;
DROP OPERATOR === (int, int);
DROP OPERATOR !== (int, int);
--- down
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = ===, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR !== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ne, NEGATOR = ===);
CREATE OPERATOR CLASS whole FOR TYPE int USING hash AS OPERATOR 1 ===, FUNCTION 1 hashint4(int);
