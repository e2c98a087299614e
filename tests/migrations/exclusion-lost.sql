-- Two people in one room at one time.
-- verdict: FAILS
-- triage: review
-- reason: constraint "one_at_a_time" of relation "meetings" does not exist
-- differs: constraint public.meetings.one_at_a_time removed
-- differs: index public.one_at_a_time added
--- before
CREATE TABLE meetings (id int PRIMARY KEY, during tsrange, CONSTRAINT one_at_a_time EXCLUDE USING gist (during WITH &&));
--- rows
INSERT INTO meetings VALUES (1, '[2024-01-01 10:00, 2024-01-01 11:00)');
--- up
ALTER TABLE meetings DROP CONSTRAINT one_at_a_time;
--- down
CREATE INDEX one_at_a_time ON meetings USING gist (during);
