-- Tables that inherit from this one are checked too now.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.base.base_amount changed: definition
--- before
CREATE TABLE base (amount int, CONSTRAINT base_amount CHECK (amount > 0) NO INHERIT);
--- up
ALTER TABLE base DROP CONSTRAINT base_amount;
--- down
ALTER TABLE base ADD CONSTRAINT base_amount CHECK (amount > 0);
