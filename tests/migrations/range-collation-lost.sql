-- Its bounds sort otherwise.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: range public.spans changed: definition
--- before
CREATE TYPE spans AS RANGE (subtype = text, collation = "C");
--- up
DROP TYPE spans;
--- down
CREATE TYPE spans AS RANGE (subtype = text);
