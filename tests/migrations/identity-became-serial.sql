-- It counts as before, but GENERATED ALWAYS kept people from writing ids.
-- verdict: FAILS
-- triage: breaking
-- reason: column "id" of relation "rooms" is not an identity column
-- differs: column public.rooms.id changed: identity, default
--- before
CREATE TABLE rooms (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
--- up
ALTER TABLE rooms ALTER COLUMN id DROP IDENTITY;
--- down
CREATE SEQUENCE rooms_id_seq AS integer OWNED BY rooms.id;
ALTER TABLE rooms ALTER COLUMN id SET DEFAULT nextval('rooms_id_seq');
