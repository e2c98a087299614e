-- It counts on, but otherwise.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: sequence public.tickets changed: type, minimum, maximum, cache, cycle
--- before
CREATE SEQUENCE tickets AS smallint START 10 MINVALUE 10 MAXVALUE 99 CACHE 5 CYCLE;
--- up
DROP SEQUENCE tickets;
--- down
CREATE SEQUENCE tickets START 10;
