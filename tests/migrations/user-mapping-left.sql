-- All may use it now.
-- verdict: FAILS
-- triage: additive
-- reason: user mapping for "public" already exists
-- differs: user mapping public on bank added
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER bank FOREIGN DATA WRAPPER nowhere;
--- up
CREATE USER MAPPING FOR PUBLIC SERVER bank OPTIONS (user 'guest');
CREATE FOREIGN TABLE rates (currency text) SERVER bank;
--- down
DROP FOREIGN TABLE rates;
