-- A report shows that it is another password, but neither of them.
-- verdict: NOT_RESTORED
-- triage: breaking
-- reason: user mapping pair_reader on bank changed: options: password=sha256:
-- differs: user mapping pair_reader on bank changed: options
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER bank FOREIGN DATA WRAPPER nowhere;
CREATE USER MAPPING FOR pair_reader SERVER bank OPTIONS (user 'reader', password 'first');
--- up
DROP USER MAPPING FOR pair_reader SERVER bank;
--- down
CREATE USER MAPPING FOR pair_reader SERVER bank OPTIONS (user 'reader', password 'second');
