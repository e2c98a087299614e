-- Other functions behind the same name.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: text search template public.pair_template changed: init, lexize
--- before
CREATE TEXT SEARCH TEMPLATE pair_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
--- up
DROP TEXT SEARCH TEMPLATE pair_template;
--- down
CREATE TEXT SEARCH TEMPLATE pair_template (LEXIZE = dispell_lexize);
