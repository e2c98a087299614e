-- The index is back; what it forbade is allowed.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.coupons_code changed: unique, definition
--- before
CREATE TABLE coupons (id int PRIMARY KEY, code text NOT NULL);
CREATE UNIQUE INDEX coupons_code ON coupons (code);
--- up
DROP INDEX coupons_code;
--- down
CREATE INDEX coupons_code ON coupons (code);
