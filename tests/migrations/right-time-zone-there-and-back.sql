-- Through UTC by name, both ways.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE trains (id int PRIMARY KEY, leaves timestamptz);
--- rows
INSERT INTO trains VALUES (1, '2024-03-31 02:30:00.5+02'), (2, NULL);
--- up
ALTER TABLE trains ALTER COLUMN leaves TYPE timestamp USING leaves AT TIME ZONE 'UTC';
--- down
ALTER TABLE trains ALTER COLUMN leaves TYPE timestamptz USING leaves AT TIME ZONE 'UTC';
