-- A database is an object too.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: database current changed: owner, connection limit, privileges, comment
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
DO $$ BEGIN
  EXECUTE format('GRANT CREATE ON DATABASE %I TO pair_reader', current_database());
  EXECUTE format('COMMENT ON DATABASE %I IS ''reports''', current_database());
  EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 50', current_database());
  EXECUTE format('ALTER DATABASE %I OWNER TO pair_writer', current_database());
END $$;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
