-- Every session of the application begins with it.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: settings of the database added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''serializable''', current_database()); END $$;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
