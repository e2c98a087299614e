-- The time of the day.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.trips: begins
--- before
CREATE TABLE trips (id int PRIMARY KEY, begins timestamptz);
--- rows
INSERT INTO trips VALUES (1, '2024-02-29 13:14:15+00'), (2, NULL);
--- up
ALTER TABLE trips ALTER COLUMN begins TYPE date;
--- down
ALTER TABLE trips ALTER COLUMN begins TYPE timestamptz;
