-- Rows were written and deleted again: the counter is ahead, which hurts nobody.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE queue (id serial PRIMARY KEY, what text NOT NULL);
--- rows
INSERT INTO queue (what) VALUES ('one'), ('two');
--- up
INSERT INTO queue (what) VALUES ('reindex'), ('warm the cache');
--- down
DELETE FROM queue WHERE what IN ('reindex', 'warm the cache');
