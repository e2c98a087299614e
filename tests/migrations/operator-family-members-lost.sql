-- What was added to the family beside its classes.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: operator family public.whole_numbers USING btree changed: operators, functions
--- before
CREATE OPERATOR FAMILY whole_numbers USING btree;
ALTER OPERATOR FAMILY whole_numbers USING btree ADD OPERATOR 1 < (int4, int8), FUNCTION 1 btint48cmp(int4, int8);
--- up
DROP OPERATOR FAMILY whole_numbers USING btree;
--- down
CREATE OPERATOR FAMILY whole_numbers USING btree;
