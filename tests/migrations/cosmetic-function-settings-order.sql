-- The settings of a function are a set: only their order differs.
-- verdict: COSMETIC
-- triage: review
--- before
CREATE FUNCTION f() RETURNS int LANGUAGE sql SET work_mem = '8MB' SET enable_seqscan = off AS 'SELECT 1';
--- up
ALTER FUNCTION f() RESET ALL;
--- down
ALTER FUNCTION f() SET enable_seqscan = off;
ALTER FUNCTION f() SET work_mem = '8MB';
