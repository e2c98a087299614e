-- The other table has its filter back.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 15
-- differs: publication pair_news changed: filters
--- before
CREATE TABLE items (id int PRIMARY KEY);
CREATE TABLE makers (id int PRIMARY KEY);
CREATE PUBLICATION pair_news FOR TABLE items WHERE (id > 0), makers WHERE (id > 0);
--- up
ALTER PUBLICATION pair_news SET TABLE items;
--- down
ALTER PUBLICATION pair_news SET TABLE items WHERE (id > 0), makers;
