-- CLUSTER without a table no longer sorts them.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: materialized view public.totals changed: clustered by
-- differs: table public.orders changed: clustered by
--- before
CREATE TABLE orders (id int PRIMARY KEY, customer int);
CREATE INDEX orders_customer ON orders (customer);
ALTER TABLE orders CLUSTER ON orders_customer;
CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) AS number FROM orders GROUP BY customer;
CREATE INDEX totals_customer ON totals (customer);
ALTER MATERIALIZED VIEW totals CLUSTER ON totals_customer;
--- up
ALTER TABLE orders SET WITHOUT CLUSTER;
ALTER MATERIALIZED VIEW totals SET WITHOUT CLUSTER;
ALTER TABLE orders ADD COLUMN note text;
--- down
ALTER TABLE orders DROP COLUMN note;
