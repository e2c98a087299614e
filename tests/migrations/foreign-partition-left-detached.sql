-- A partition on another server; the parent no longer reads it.
-- verdict: FAILS
-- triage: review
-- reason: relation "days_old" is not a partition of relation "days"
-- differs: column public.days_old.day changed: inherited
-- differs: foreign table public.days_old changed: bounds, inherits
--- before
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE TABLE days (day int) PARTITION BY RANGE (day);
CREATE FOREIGN TABLE days_old PARTITION OF days FOR VALUES FROM (1) TO (100) SERVER far;
--- up
ALTER TABLE days DETACH PARTITION days_old;
CREATE TABLE days_new PARTITION OF days FOR VALUES FROM (100) TO (200);
--- down
DROP TABLE days_new;
