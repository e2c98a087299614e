-- Its multirange has the name that PostgreSQL chooses.
-- verdict: NOT_RESTORED
-- triage: breaking
-- since: 14
-- differs: range public.spans changed: definition
--- before
CREATE TYPE spans AS RANGE (subtype = float8, multirange_type_name = many_spans);
--- up
DROP TYPE spans;
--- down
CREATE TYPE spans AS RANGE (subtype = float8);
