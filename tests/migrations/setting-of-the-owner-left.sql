-- The server's own role is listed as soon as it has a setting.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: role postgres added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
DO $$ BEGIN EXECUTE format('ALTER ROLE postgres IN DATABASE %I SET work_mem = ''8MB''', current_database()); END $$;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
