-- Options are a set: their order says nothing.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (b '2', a '1');
CREATE SERVER bank TYPE 'postgres' FOREIGN DATA WRAPPER nowhere OPTIONS (port '5433', host 'bank.test');
CREATE USER MAPPING FOR pair_reader SERVER bank OPTIONS (user 'reader', password 'first');
CREATE FOREIGN TABLE rates (currency text, value numeric OPTIONS (column_name 'rate')) SERVER bank OPTIONS (table_name 'daily', schema_name 'x');
--- up
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
--- down
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (a '1', b '2');
CREATE SERVER bank TYPE 'postgres' FOREIGN DATA WRAPPER nowhere OPTIONS (host 'bank.test', port '5433');
CREATE USER MAPPING FOR pair_reader SERVER bank OPTIONS (password 'first', user 'reader');
CREATE FOREIGN TABLE rates (currency text, value numeric OPTIONS (column_name 'rate')) SERVER bank OPTIONS (schema_name 'x', table_name 'daily');
