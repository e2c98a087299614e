-- The child is alone.
-- verdict: FAILS
-- triage: review
-- reason: relation "vehicles" is not a parent of relation "cars"
-- differs: column public.cars.id changed: inherited
-- differs: column public.cars.wheels changed: inherited
-- differs: table public.cars changed: inherits
--- before
CREATE TABLE vehicles (id int, wheels int);
CREATE TABLE cars (doors int) INHERITS (vehicles);
--- up
ALTER TABLE cars NO INHERIT vehicles;
ALTER TABLE cars ADD COLUMN colour text;
--- down
ALTER TABLE cars DROP COLUMN colour;
