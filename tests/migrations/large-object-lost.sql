-- Made again under its number, without its privileges and its comment; and one too many.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: large objects of postgres changed: number, privileges, comment
--- before
SELECT lo_create(4711);
GRANT SELECT ON LARGE OBJECT 4711 TO pair_reader;
COMMENT ON LARGE OBJECT 4711 IS 'the logo';
--- up
SELECT lo_unlink(4711);
--- down
SELECT lo_create(4711);
SELECT lo_create(4712);
