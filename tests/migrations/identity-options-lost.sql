-- The options of an identity column are those of its sequence.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: sequence public.users_id_seq changed: start, increment, maximum
--- before
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10 MAXVALUE 100000), name text);
--- up
ALTER TABLE users DROP COLUMN id;
--- down
ALTER TABLE users ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
