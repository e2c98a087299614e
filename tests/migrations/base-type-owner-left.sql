-- With what its owner may, and others no longer.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: type public.whole changed: owner, privileges
--- before
CREATE TYPE whole;
CREATE FUNCTION whole_in(cstring) RETURNS whole LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION whole_out(whole) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE whole (INPUT = whole_in, OUTPUT = whole_out, INTERNALLENGTH = 4, PASSEDBYVALUE);
--- up
ALTER TYPE whole OWNER TO pair_writer;
REVOKE USAGE ON TYPE whole FROM PUBLIC;
CREATE TABLE notes (id int);
--- down
DROP TABLE notes;
