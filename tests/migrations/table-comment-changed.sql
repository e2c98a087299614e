-- The new words stay.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: table public.legacy changed: comment
--- before
CREATE TABLE legacy (id int PRIMARY KEY);
COMMENT ON TABLE legacy IS 'kept until 2025';
--- up
COMMENT ON TABLE legacy IS 'kept until 2027';
ALTER TABLE legacy ADD COLUMN note text;
--- down
ALTER TABLE legacy DROP COLUMN note;
