-- Off and on again; made again with its target.
-- verdict: RESTORED
-- triage: review
--- before
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER pair_note ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION note();
CREATE TABLE places (id int PRIMARY KEY, city text, code text);
CREATE STATISTICS places_city (ndistinct, dependencies) ON city, code FROM places;
ALTER STATISTICS places_city SET STATISTICS 500;
--- up
ALTER EVENT TRIGGER pair_note DISABLE;
DROP STATISTICS places_city;
--- down
ALTER EVENT TRIGGER pair_note ENABLE;
CREATE STATISTICS places_city (dependencies, ndistinct) ON code, city FROM places;
ALTER STATISTICS places_city SET STATISTICS 500;
