-- Drafts are sent too, and so is a column that was held back.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 15
-- differs: publication pair_news changed: filters, columns
--- before
CREATE TABLE items (id int PRIMARY KEY, price int, draft bool, margin int);
CREATE PUBLICATION pair_news FOR TABLE items (id, price) WHERE (id > 0);
--- up
ALTER PUBLICATION pair_news DROP TABLE items;
--- down
ALTER PUBLICATION pair_news ADD TABLE items;
