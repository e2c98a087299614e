-- The rules put one letter before another.
-- verdict: NOT_RESTORED
-- triage: breaking
-- since: 16
-- differs: collation public.letters changed: rules
--- before
CREATE COLLATION letters (provider = icu, locale = 'und', rules = '&V << w <<< W');
--- up
DROP COLLATION letters;
--- down
CREATE COLLATION letters (provider = icu, locale = 'und');
