-- Another definition, other columns and parameters.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: materialized view public.busy changed: columns, definition, options, toast options
--- before
CREATE TABLE jobs (id int PRIMARY KEY, queue text, runs int);
CREATE MATERIALIZED VIEW busy WITH (fillfactor = 70, toast.autovacuum_enabled = false) AS SELECT queue, runs FROM jobs WHERE runs > 10;
--- up
DROP MATERIALIZED VIEW busy;
--- down
CREATE MATERIALIZED VIEW busy AS SELECT queue, runs::bigint FROM jobs WHERE runs >= 10;
