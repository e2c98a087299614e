-- It had the constraint itself; now it goes with the parent's.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.heir.amount_positive changed: inherited
--- before
CREATE TABLE base (amount int);
CREATE TABLE heir (note text, CONSTRAINT amount_positive CHECK (amount > 0)) INHERITS (base);
ALTER TABLE base ADD CONSTRAINT amount_positive CHECK (amount > 0);
--- up
ALTER TABLE base DROP CONSTRAINT amount_positive;
ALTER TABLE heir DROP CONSTRAINT IF EXISTS amount_positive;
--- down
ALTER TABLE base ADD CONSTRAINT amount_positive CHECK (amount > 0);
