-- Default, owner and counter are put back one by one.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE ships (id serial PRIMARY KEY, name text);
--- rows
INSERT INTO ships (name) VALUES ('Fram'), ('Gjøa');
--- up
ALTER TABLE ships ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE ships_id_seq;
--- down
CREATE SEQUENCE ships_id_seq AS integer OWNED BY ships.id;
ALTER TABLE ships ALTER COLUMN id SET DEFAULT nextval('ships_id_seq'::regclass);
SELECT setval('ships_id_seq', max(id)) FROM ships;
