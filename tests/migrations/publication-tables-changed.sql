-- What it sends, and of which operations, is another set.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: publication pair_news changed: tables, publishes, options
--- before
CREATE TABLE items (id int PRIMARY KEY, price int);
CREATE TABLE makers (id int PRIMARY KEY);
CREATE PUBLICATION pair_news FOR TABLE items WITH (publish_via_partition_root = true);
--- up
DROP PUBLICATION pair_news;
--- down
CREATE PUBLICATION pair_news FOR TABLE items, makers WITH (publish = 'insert');
