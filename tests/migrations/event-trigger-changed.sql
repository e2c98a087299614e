-- Another event, function and list of commands; and it is off.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: event trigger pair_note changed: event, function, tags, enabled
--- before
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER pair_note ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION note();
--- up
DROP EVENT TRIGGER pair_note;
--- down
CREATE EVENT TRIGGER pair_note ON ddl_command_start EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER pair_note DISABLE;
