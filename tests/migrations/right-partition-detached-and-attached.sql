-- With the bounds that it had.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE temps (at date NOT NULL, value int, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE temps_2024 PARTITION OF temps FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
--- rows
INSERT INTO temps VALUES ('2024-03-01', 1), ('2024-04-01', NULL);
--- up
ALTER TABLE temps DETACH PARTITION temps_2024;
--- down
ALTER TABLE temps ATTACH PARTITION temps_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
