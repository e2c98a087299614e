-- Numbers in steps of ten, no more.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: sequence public.account_number changed: increment
--- before
CREATE SEQUENCE account_number START 1000 INCREMENT BY 10;
--- up
DROP SEQUENCE account_number;
--- down
CREATE SEQUENCE account_number START 1000;
