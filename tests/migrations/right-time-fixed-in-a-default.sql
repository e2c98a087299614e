-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE visits (id int);
--- up
ALTER TABLE visits ADD COLUMN at timestamp DEFAULT 'now'::timestamp;
--- down
ALTER TABLE visits DROP COLUMN at;
