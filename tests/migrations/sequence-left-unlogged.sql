-- It starts again after a crash.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 15
-- differs: sequence public.tickets changed: persistence
--- before
CREATE SEQUENCE tickets;
--- up
ALTER SEQUENCE tickets SET UNLOGGED;
CREATE TABLE halls (id int);
--- down
DROP TABLE halls;
