-- Fires at every later migration.
-- verdict: FAILS
-- triage: review
-- reason: event trigger "pair_note" already exists
-- differs: event trigger pair_note added
--- before
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
--- up
CREATE TABLE ddl_log (at timestamptz);
CREATE EVENT TRIGGER pair_note ON ddl_command_end EXECUTE FUNCTION note_ddl();
--- down
DROP TABLE ddl_log;
