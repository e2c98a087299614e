-- fillfactor was set for a table that is updated all day.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: table public.counters changed: options
--- before
CREATE TABLE counters (id int PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
--- up
ALTER TABLE counters SET (fillfactor = 70);
--- down
ALTER TABLE counters RESET (fillfactor);
