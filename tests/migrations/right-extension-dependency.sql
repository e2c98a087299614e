-- Declared again with the function.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE EXTENSION citext;
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION norm(text) DEPENDS ON EXTENSION citext;
--- up
DROP FUNCTION norm(text);
--- down
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION norm(text) DEPENDS ON EXTENSION citext;
