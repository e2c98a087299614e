-- It goes with the extension no more, and blocks its removal.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: extension dependency of function public.norm(pg_catalog.text) on citext removed
--- before
CREATE EXTENSION citext;
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION norm(text) DEPENDS ON EXTENSION citext;
--- up
DROP FUNCTION norm(text);
--- down
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
