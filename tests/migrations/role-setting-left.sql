-- In this database only, but for every session of the role.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: role pair_reader changed: settings
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
DO $$ BEGIN EXECUTE format('ALTER ROLE pair_reader IN DATABASE %I SET statement_timeout = 1000', current_database()); END $$;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
