-- The same values in the same column, at other rows: no count and no set of values shows it.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.prizes: winner
--- before
CREATE TABLE prizes (id int PRIMARY KEY, winner text NOT NULL);
--- rows
INSERT INTO prizes VALUES (1, 'Ann'), (2, 'Ben');
--- up
CREATE TABLE prizes_kept AS SELECT * FROM prizes;
UPDATE prizes SET winner = 'hidden';
--- down
UPDATE prizes SET winner = (SELECT winner FROM prizes_kept k WHERE k.id <> prizes.id ORDER BY k.id LIMIT 1);
DROP TABLE prizes_kept;
