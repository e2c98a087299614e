-- Only its name and its constraint are restored.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: domain public.code changed: type, null, default, collation
--- before
CREATE DOMAIN code AS varchar(10) COLLATE "C" NOT NULL DEFAULT 'A';
--- up
DROP DOMAIN code;
--- down
CREATE DOMAIN code AS varchar(20);
