-- The down holds the text of two versions ago.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: function public.tax(numeric) changed: definition
--- before
CREATE FUNCTION tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT round(amount * 0.20, 2)';
--- up
CREATE OR REPLACE FUNCTION tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT round(amount * 0.21, 2)';
--- down
CREATE OR REPLACE FUNCTION tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT round(amount * 0.19, 2)';
