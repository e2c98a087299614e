-- Added again as NOT VALID, to be quick: nobody validates it.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.rates.rates_percent changed: definition
--- before
CREATE TABLE rates (id int PRIMARY KEY, percent int, CONSTRAINT rates_percent CHECK (percent BETWEEN 0 AND 100));
--- up
ALTER TABLE rates DROP CONSTRAINT rates_percent;
--- down
ALTER TABLE rates ADD CONSTRAINT rates_percent CHECK (percent BETWEEN 0 AND 100) NOT VALID;
