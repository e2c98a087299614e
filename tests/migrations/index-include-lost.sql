-- The covering column is gone: no index-only scans any more.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.parcels_code changed: columns, definition
--- before
CREATE TABLE parcels (id int PRIMARY KEY, code text NOT NULL, weight int);
CREATE INDEX parcels_code ON parcels (code) INCLUDE (weight);
--- up
DROP INDEX parcels_code;
--- down
CREATE INDEX parcels_code ON parcels (code);
