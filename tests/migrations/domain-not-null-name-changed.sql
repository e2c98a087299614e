-- Of a domain too, since version 17.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 17
-- differs: domain public.code changed: null
--- before
CREATE DOMAIN code AS text CONSTRAINT code_needed NOT NULL;
--- up
ALTER DOMAIN code DROP NOT NULL;
--- down
ALTER DOMAIN code SET NOT NULL;
