-- Less than a second.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.laps: at
--- before
CREATE TABLE laps (id int PRIMARY KEY, at timestamptz NOT NULL);
--- rows
INSERT INTO laps VALUES (1, '2024-02-29 13:14:15+00'), (2, '2024-02-29 13:14:15.123456+00');
--- up
ALTER TABLE laps ALTER COLUMN at TYPE timestamptz(0);
--- down
ALTER TABLE laps ALTER COLUMN at TYPE timestamptz;
