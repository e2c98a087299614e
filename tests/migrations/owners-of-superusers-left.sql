-- These kinds belong to superusers only.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: event trigger pair_note changed: owner
-- differs: foreign-data wrapper nowhere changed: owner
-- differs: role pair_chief added
--- before
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER pair_note ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION note();
CREATE FOREIGN DATA WRAPPER nowhere;
--- up
DO $$ BEGIN IF to_regrole('pair_chief') IS NULL THEN CREATE ROLE pair_chief SUPERUSER; END IF; END $$;
ALTER EVENT TRIGGER pair_note OWNER TO pair_chief;
ALTER FOREIGN DATA WRAPPER nowhere OWNER TO pair_chief;
CREATE TABLE notes (id int);
--- down
DROP TABLE notes;
--- after
DROP ROLE IF EXISTS pair_chief;
