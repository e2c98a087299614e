-- FULL writes whole old rows into the log of every update.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: table public.feed changed: replica identity
--- before
CREATE TABLE feed (id int PRIMARY KEY, text text);
--- up
ALTER TABLE feed REPLICA IDENTITY FULL;
CREATE PUBLICATION pair_feed FOR TABLE feed;
--- down
DROP PUBLICATION pair_feed;
