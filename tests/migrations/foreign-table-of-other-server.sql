-- The copy of the production server.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: foreign table public.rates changed: server
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER bank FOREIGN DATA WRAPPER nowhere;
CREATE SERVER copy FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE rates (currency text, value numeric) SERVER bank;
--- up
DROP FOREIGN TABLE rates;
--- down
CREATE FOREIGN TABLE rates (currency text, value numeric) SERVER copy;
