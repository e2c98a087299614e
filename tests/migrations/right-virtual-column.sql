-- It has no values of its own to lose.
-- verdict: RESTORED
-- triage: breaking
-- since: 18
--- before
CREATE TABLE items (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) VIRTUAL);
--- rows
INSERT INTO items VALUES (1, 2), (2, 3);
--- up
ALTER TABLE items DROP COLUMN gross;
--- down
ALTER TABLE items ADD COLUMN gross int GENERATED ALWAYS AS (net * 2) VIRTUAL;
