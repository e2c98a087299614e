-- REFRESH … CONCURRENTLY needs a unique index, which goes with the view.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.sales_by_day_key removed
--- before
CREATE TABLE sales (id int PRIMARY KEY, day date NOT NULL, amount int NOT NULL);
CREATE MATERIALIZED VIEW sales_by_day AS SELECT day, sum(amount) AS total FROM sales GROUP BY day;
CREATE UNIQUE INDEX sales_by_day_key ON sales_by_day (day);
--- rows
INSERT INTO sales VALUES (1, '2024-01-01', 10), (2, '2024-01-02', 20);
REFRESH MATERIALIZED VIEW sales_by_day;
--- up
DROP MATERIALIZED VIEW sales_by_day;
CREATE MATERIALIZED VIEW sales_by_day AS SELECT day, sum(amount) AS total, count(*) AS number FROM sales GROUP BY day;
CREATE UNIQUE INDEX sales_by_day_key ON sales_by_day (day);
--- down
DROP MATERIALIZED VIEW sales_by_day;
CREATE MATERIALIZED VIEW sales_by_day AS SELECT day, sum(amount) AS total FROM sales GROUP BY day;
