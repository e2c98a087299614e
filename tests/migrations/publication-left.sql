-- A publication goes on sending what it names.
-- verdict: FAILS
-- triage: additive
-- reason: publication "pair_prices" already exists
-- differs: publication pair_prices added
--- before
CREATE TABLE prices (id int PRIMARY KEY, net int);
--- up
CREATE TABLE rebates (id int PRIMARY KEY);
CREATE PUBLICATION pair_prices FOR TABLE prices;
--- down
DROP TABLE rebates;
