-- Its address stays, the rest is gone.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: foreign server bank changed: wrapper, type, version, options
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN DATA WRAPPER anywhere;
CREATE SERVER bank TYPE 'postgres' VERSION '15' FOREIGN DATA WRAPPER nowhere OPTIONS (host 'bank.test', port '5433');
--- up
DROP SERVER bank;
--- down
CREATE SERVER bank FOREIGN DATA WRAPPER anywhere OPTIONS (host 'bank.test');
