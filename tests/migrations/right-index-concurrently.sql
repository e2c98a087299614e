-- Neither way can run in a transaction.
-- transaction: no
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE bills (id int PRIMARY KEY, due date);
--- rows
INSERT INTO bills VALUES (1, '2024-01-01'), (2, NULL);
--- up
CREATE INDEX CONCURRENTLY bills_due ON bills (due);
--- down
DROP INDEX CONCURRENTLY bills_due;
