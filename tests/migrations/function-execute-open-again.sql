-- A new function may be run by everybody; the one before was kept to one role.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: function public.wipe() changed: privileges
--- before
CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'SELECT';
REVOKE EXECUTE ON FUNCTION wipe() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wipe() TO pair_writer;
--- up
DROP FUNCTION wipe();
--- down
CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'SELECT';
