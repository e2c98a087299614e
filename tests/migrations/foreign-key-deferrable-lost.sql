-- Two rows that refer to each other can't be written any more.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.teams.teams_captain changed: definition
--- before
CREATE TABLE teams (id int PRIMARY KEY, captain int);
CREATE TABLE players (id int PRIMARY KEY, team int NOT NULL REFERENCES teams);
ALTER TABLE teams ADD CONSTRAINT teams_captain FOREIGN KEY (captain) REFERENCES players DEFERRABLE INITIALLY DEFERRED;
--- up
ALTER TABLE teams DROP CONSTRAINT teams_captain;
--- down
ALTER TABLE teams ADD CONSTRAINT teams_captain FOREIGN KEY (captain) REFERENCES players;
