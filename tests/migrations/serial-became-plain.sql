-- The type comes back, the default that numbers rows doesn't.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.desks.id changed: default
--- before
CREATE TABLE desks (id serial PRIMARY KEY, room text);
--- rows
INSERT INTO desks (room) VALUES ('a'), ('b');
--- up
ALTER TABLE desks ALTER COLUMN id DROP DEFAULT;
ALTER TABLE desks ALTER COLUMN id TYPE text;
--- down
ALTER TABLE desks ALTER COLUMN id TYPE int USING id::int;
