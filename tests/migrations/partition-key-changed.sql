-- The parent has the same name and columns.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: table public.visits changed: partitioned by
--- before
CREATE TABLE visits (day date NOT NULL, person int NOT NULL) PARTITION BY RANGE (day);
--- up
DROP TABLE visits;
--- down
CREATE TABLE visits (day date NOT NULL, person int NOT NULL) PARTITION BY RANGE (person);
