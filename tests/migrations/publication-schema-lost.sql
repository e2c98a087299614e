-- New tables of the schema are no longer sent.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 15
-- differs: publication pair_news changed: schemas, tables
--- before
CREATE SCHEMA shop;
CREATE TABLE shop.items (id int PRIMARY KEY);
CREATE PUBLICATION pair_news FOR TABLES IN SCHEMA shop;
--- up
DROP PUBLICATION pair_news;
--- down
CREATE PUBLICATION pair_news FOR TABLE shop.items;
