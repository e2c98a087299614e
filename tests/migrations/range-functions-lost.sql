-- Without the function for distances, indexes of it are worse.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: range public.spans changed: definition
--- before
CREATE TYPE spans AS RANGE (subtype = float8, subtype_diff = float8mi);
--- up
DROP TYPE spans;
--- down
CREATE TYPE spans AS RANGE (subtype = float8);
