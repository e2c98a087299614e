-- Subscribers have to compute them.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 18
-- differs: publication pair_news changed: options
--- before
CREATE TABLE items (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE PUBLICATION pair_news FOR TABLE items WITH (publish_generated_columns = stored);
--- up
DROP PUBLICATION pair_news;
--- down
CREATE PUBLICATION pair_news FOR TABLE items;
