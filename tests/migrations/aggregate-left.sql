-- The aggregate stays when its table goes.
-- verdict: FAILS
-- triage: additive
-- reason: function "product" already exists with same argument types
-- differs: aggregate public.product(integer) added
--- before
CREATE TABLE measures (id int PRIMARY KEY, value int);
--- up
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int, initcond = '1');
CREATE VIEW products AS SELECT product(value) FROM measures;
--- down
DROP VIEW products;
