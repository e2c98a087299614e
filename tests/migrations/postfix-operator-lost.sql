-- Version 14 has no operators behind their operand any more.
-- verdict: NOT_RESTORED
-- triage: breaking
-- until: 13
-- differs: operator public.!!!(integer,NONE) removed
--- before
CREATE OPERATOR !!! (LEFTARG = int, FUNCTION = int4abs);
--- up
DROP OPERATOR IF EXISTS !!! (int, NONE);
CREATE TABLE sums (id int);
--- down
DROP TABLE sums;
