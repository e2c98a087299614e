-- Dropped without asking the other server.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE items (id int PRIMARY KEY);
--- up
CREATE SUBSCRIPTION pair_copy CONNECTION 'host=nowhere.test' PUBLICATION pair_news WITH (connect = false);
--- down
ALTER SUBSCRIPTION pair_copy SET (slot_name = NONE);
DROP SUBSCRIPTION pair_copy;
