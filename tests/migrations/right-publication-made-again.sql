-- Its tables in another order.
-- verdict: RESTORED
-- triage: review
-- since: 15
--- before
CREATE TABLE items (id int PRIMARY KEY, price int);
CREATE TABLE makers (id int PRIMARY KEY);
CREATE PUBLICATION pair_news FOR TABLE items (id, price) WHERE (id > 0), makers WITH (publish = 'insert, update');
--- up
DROP PUBLICATION pair_news;
--- down
CREATE PUBLICATION pair_news FOR TABLE makers, items (price, id) WHERE (id > 0) WITH (publish = 'update, insert');
