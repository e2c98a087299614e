-- Versions since 17 have a provider that no library can change.
-- verdict: NOT_RESTORED
-- triage: breaking
-- since: 17
-- differs: collation public.fixed changed: provider
--- before
CREATE COLLATION fixed (provider = builtin, locale = 'C');
--- up
DROP COLLATION fixed;
--- down
CREATE COLLATION fixed (provider = libc, locale = 'C');
