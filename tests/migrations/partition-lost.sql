-- The table is split as before; the rows of one year have nowhere to go.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.readings_2025.at removed
-- differs: column public.readings_2025.value removed
-- differs: table public.readings_2025 removed
--- before
CREATE TABLE readings (at date NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE readings_2024 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
--- up
DROP TABLE readings;
--- down
CREATE TABLE readings (at date NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE readings_2024 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
