-- It reads another table now; the column another one.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.rates.value changed: server options
-- differs: foreign table public.rates changed: server options
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER bank FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE rates (currency text, value numeric OPTIONS (column_name 'rate')) SERVER bank OPTIONS (table_name 'daily_rates');
--- up
DROP FOREIGN TABLE rates;
--- down
CREATE FOREIGN TABLE rates (currency text, value numeric) SERVER bank;
