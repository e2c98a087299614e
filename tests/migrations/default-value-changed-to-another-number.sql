-- Another number is no value that differs each time.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: column public.goods.weight changed: default
--- before
CREATE TABLE goods (id int, weight int DEFAULT 10);
--- up
ALTER TABLE goods ALTER COLUMN weight SET DEFAULT 20;
--- down
ALTER TABLE goods ALTER COLUMN weight SET DEFAULT 11;
