-- DROP FUNCTION IF EXISTS with other arguments finds nothing, and says so as a notice only.
-- verdict: FAILS
-- triage: additive
-- reason: function "cart_size" already exists with same argument types
-- warns: does not exist, skipping
-- differs: function public.cart_size(bigint) added
--- before
CREATE TABLE carts (id int PRIMARY KEY);
--- up
ALTER TABLE carts ADD COLUMN items int NOT NULL DEFAULT 0;
CREATE FUNCTION cart_size(cart bigint) RETURNS int LANGUAGE sql AS 'SELECT items FROM carts WHERE id = cart';
--- down
DROP FUNCTION IF EXISTS cart_size(integer);
ALTER TABLE carts DROP COLUMN items;
