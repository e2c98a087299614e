-- WITH NO DATA: every read of it fails until somebody refreshes it.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: materialized view public.ranking changed: populated
--- before
CREATE TABLE scores (id int PRIMARY KEY, player text NOT NULL, points int NOT NULL);
CREATE MATERIALIZED VIEW ranking AS SELECT player, sum(points) AS total FROM scores GROUP BY player;
--- rows
INSERT INTO scores VALUES (1, 'ann', 3), (2, 'ben', 4);
REFRESH MATERIALIZED VIEW ranking;
--- up
DROP MATERIALIZED VIEW ranking;
--- down
CREATE MATERIALIZED VIEW ranking AS SELECT player, sum(points) AS total FROM scores GROUP BY player WITH NO DATA;
