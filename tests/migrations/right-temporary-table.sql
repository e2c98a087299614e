-- For the time of one script.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE orders_a (id int PRIMARY KEY, total int);
--- rows
INSERT INTO orders_a VALUES (1, 10), (2, 20);
--- up
CREATE TEMPORARY TABLE scratch ON COMMIT DROP AS SELECT sum(total) AS sum FROM orders_a;
CREATE TABLE sums AS SELECT * FROM scratch;
--- down
DROP TABLE sums;
