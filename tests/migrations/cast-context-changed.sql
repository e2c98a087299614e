-- An explicit cast is no substitute for an implicit one.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: cast (public.state AS pg_catalog.text) changed: context
--- before
CREATE TYPE state AS ENUM ('open', 'done');
CREATE CAST (state AS text) WITH INOUT AS IMPLICIT;
--- up
DROP CAST (state AS text);
--- down
CREATE CAST (state AS text) WITH INOUT AS ASSIGNMENT;
