-- Its name and its bounds are others each time.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE events (at timestamptz NOT NULL, id int) PARTITION BY RANGE (at);
--- up
DO $$ BEGIN EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
  to_char(clock_timestamp(), 'YYYYMMDDHH24MISSUS'), clock_timestamp(), clock_timestamp() + interval '1 day'); END $$;
--- down
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass LOOP
    EXECUTE format('DROP TABLE %I', name); END LOOP; END $$;
