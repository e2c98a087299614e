-- By the machine's library, in the order of bytes.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: collation public.names changed: provider, locale
--- before
CREATE COLLATION names (provider = icu, locale = 'de-DE');
--- up
DROP COLLATION names;
--- down
CREATE COLLATION names (provider = libc, locale = 'C');
