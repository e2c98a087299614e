-- The same privileges, given in another order.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE ledgers (id int PRIMARY KEY);
GRANT SELECT, INSERT ON ledgers TO pair_writer;
GRANT SELECT ON ledgers TO pair_reader;
--- up
REVOKE ALL ON ledgers FROM pair_writer, pair_reader;
--- down
GRANT SELECT ON ledgers TO pair_reader;
GRANT INSERT ON ledgers TO pair_writer;
GRANT SELECT ON ledgers TO pair_writer;
