-- Rows name them, but they are no rows.
-- verdict: NOT_RESTORED
-- triage: additive
-- reason: large objects of postgres changed: number: 1 → 2
-- differs: large objects of postgres added
--- before
CREATE TABLE files (id int PRIMARY KEY);
--- up
ALTER TABLE files ADD COLUMN content oid;
SELECT lo_create(0);
--- down
ALTER TABLE files DROP COLUMN content;
