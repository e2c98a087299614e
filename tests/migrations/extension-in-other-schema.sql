-- Code finds its functions by the search path no more.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: extension citext changed: schema, comment
--- before
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
COMMENT ON EXTENSION citext IS 'for addresses';
--- up
DROP EXTENSION citext;
--- down
CREATE EXTENSION citext;
