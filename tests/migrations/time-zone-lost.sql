-- timestamptz came back as timestamp.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.flights.leaves changed: type
--- before
CREATE TABLE flights (id int PRIMARY KEY, leaves timestamptz NOT NULL);
--- up
ALTER TABLE flights RENAME COLUMN leaves TO departs;
ALTER TABLE flights ALTER COLUMN departs TYPE timestamp USING departs AT TIME ZONE 'UTC';
--- down
ALTER TABLE flights RENAME COLUMN departs TO leaves;
