-- It is kept for the whole server, and goes on asking.
-- verdict: FAILS
-- triage: additive
-- reason: subscription "pair_copy" already exists
-- differs: subscription pair_copy added
--- before
CREATE TABLE items (id int PRIMARY KEY);
--- up
CREATE SUBSCRIPTION pair_copy CONNECTION 'host=nowhere.test password=hidden' PUBLICATION pair_news WITH (connect = false);
ALTER TABLE items ADD COLUMN origin text;
--- down
ALTER TABLE items DROP COLUMN origin;
