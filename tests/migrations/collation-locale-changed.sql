-- Swedish sorts otherwise than German.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: collation public.names changed: locale
--- before
CREATE COLLATION names (provider = icu, locale = 'de-DE');
--- up
DROP COLLATION names;
--- down
CREATE COLLATION names (provider = icu, locale = 'sv-SE');
