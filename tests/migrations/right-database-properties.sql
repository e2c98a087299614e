-- The defaults, written out, are the defaults.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
DO $$ BEGIN
  EXECUTE format('GRANT CREATE ON DATABASE %I TO pair_reader', current_database());
  EXECUTE format('COMMENT ON DATABASE %I IS ''reports''', current_database());
  EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database());
END $$;
--- down
DO $$ BEGIN
  EXECUTE format('REVOKE CREATE ON DATABASE %I FROM pair_reader', current_database());
  EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database());
  EXECUTE format('ALTER DATABASE %I RESET work_mem', current_database());
END $$;
