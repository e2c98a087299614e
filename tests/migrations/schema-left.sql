-- The tables in it are dropped, the schema isn't.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: schema billing added
--- before
CREATE TABLE base (id int PRIMARY KEY);
--- up
CREATE SCHEMA IF NOT EXISTS billing;
CREATE TABLE billing.invoices (id int PRIMARY KEY);
--- down
DROP TABLE billing.invoices;
