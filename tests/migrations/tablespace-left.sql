-- The space belongs to the server, and so outlives the down migration; the table, its indexes and the view stay in it.
-- verdict: FAILS
-- triage: additive
-- transaction: no
-- reason: tablespace "pair_fast" already exists
-- differs: constraint public.reports.reports_pkey changed: index tablespace
-- differs: index public.reports_name changed: tablespace
-- differs: materialized view public.names changed: tablespace
-- differs: table public.reports changed: tablespace
-- differs: tablespace pair_fast added
--- before
CREATE TABLE reports (id int PRIMARY KEY, name text);
CREATE INDEX reports_name ON reports (name);
CREATE MATERIALIZED VIEW names AS SELECT name FROM reports;
--- up
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE pair_fast LOCATION '';
ALTER TABLE reports SET TABLESPACE pair_fast;
ALTER TABLE reports ADD COLUMN size int;
ALTER INDEX reports_name SET TABLESPACE pair_fast;
ALTER INDEX reports_pkey SET TABLESPACE pair_fast;
ALTER MATERIALIZED VIEW names SET TABLESPACE pair_fast;
--- down
ALTER TABLE reports DROP COLUMN size;
--- after
DROP TABLESPACE IF EXISTS pair_fast;
