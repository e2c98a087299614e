-- Words keep their endings.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: text search dictionary public.stems changed: template, options
--- before
CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = snowball, Language = danish);
--- up
DROP TEXT SEARCH DICTIONARY stems;
--- down
CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = simple);
