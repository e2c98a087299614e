-- IMMUTABLE is gone: no index can use it any more.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: function public.slug(text) changed: definition
--- before
CREATE FUNCTION slug(title text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lower(title)';
--- up
CREATE OR REPLACE FUNCTION slug(title text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT trim(lower(title))';
--- down
CREATE OR REPLACE FUNCTION slug(title text) RETURNS text LANGUAGE sql STRICT AS 'SELECT lower(title)';
