-- Attributes have comments as columns have.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.address.city removed
--- before
CREATE TYPE address AS (street text, city text);
COMMENT ON COLUMN address.city IS 'without the code';
--- up
DROP TYPE address;
--- down
CREATE TYPE address AS (street text, city text);
