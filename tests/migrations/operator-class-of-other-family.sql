-- For another type, and in a family of its own.
-- verdict: FAILS
-- triage: breaking
-- reason: operator family "ranges_by_hand" does not exist
-- differs: operator class public.by_hand USING gist changed: type, storage, family
-- differs: operator family public.by_hand USING gist added
-- differs: operator family public.ranges_by_hand USING gist removed
--- before
CREATE OPERATOR FAMILY ranges_by_hand USING gist;
CREATE OPERATOR CLASS by_hand FOR TYPE polygon USING gist FAMILY ranges_by_hand AS STORAGE box;
--- up
DROP OPERATOR CLASS by_hand USING gist;
DROP OPERATOR FAMILY ranges_by_hand USING gist;
--- down
CREATE OPERATOR CLASS by_hand FOR TYPE box USING gist AS STORAGE box;
