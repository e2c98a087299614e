-- A new year.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE logs (at date NOT NULL, line text) PARTITION BY RANGE (at);
CREATE TABLE logs_2024 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
--- rows
INSERT INTO logs VALUES ('2024-03-01', 'x');
--- up
CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
--- down
DROP TABLE logs_2025;
