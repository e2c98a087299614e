-- A part of an address is gone.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: composite type public.address changed: attributes
--- before
CREATE TYPE address AS (street text, zip text, city text);
CREATE FUNCTION label(a address) RETURNS text LANGUAGE sql AS 'SELECT (a).street';
--- up
DROP FUNCTION label(address);
DROP TYPE address;
--- down
CREATE TYPE address AS (street text, city text);
CREATE FUNCTION label(a address) RETURNS text LANGUAGE sql AS 'SELECT (a).street';
