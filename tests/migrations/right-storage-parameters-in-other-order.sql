-- Of the table, a column and the index of a constraint.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE logs (id int, CONSTRAINT logs_key PRIMARY KEY (id) WITH (fillfactor = 70)) WITH (fillfactor = 80, autovacuum_enabled = false);
ALTER TABLE logs ALTER COLUMN id SET (n_distinct = 5, n_distinct_inherited = 6);
--- up
ALTER TABLE logs RESET (fillfactor);
ALTER TABLE logs ALTER COLUMN id RESET (n_distinct);
ALTER INDEX logs_key RESET (fillfactor);
--- down
ALTER TABLE logs SET (fillfactor = 80);
ALTER TABLE logs ALTER COLUMN id SET (n_distinct = 5);
ALTER INDEX logs_key SET (fillfactor = 70);
