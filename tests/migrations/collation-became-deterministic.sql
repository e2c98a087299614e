-- Equal without regard to case before, byte by byte now.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: collation public.any_case changed: deterministic
--- before
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
--- up
DROP COLLATION any_case;
--- down
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2');
