-- Made by hand again, on the usual storage.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: materialized view public.sums changed: access method
-- differs: table public.measures changed: access method
--- before
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE measures (id int PRIMARY KEY, value int) USING heap2;
CREATE MATERIALIZED VIEW sums USING heap2 AS SELECT sum(value) AS total FROM measures;
--- up
DROP MATERIALIZED VIEW sums;
DROP TABLE measures;
--- down
CREATE TABLE measures (id int PRIMARY KEY, value int);
CREATE MATERIALIZED VIEW sums AS SELECT sum(value) AS total FROM measures;
