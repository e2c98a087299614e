-- The table, its sequence, its key and its index, each by name.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE clients (id serial PRIMARY KEY, name text NOT NULL);
CREATE INDEX clients_name_idx ON clients (name);
CREATE TABLE calls (id int PRIMARY KEY, client int REFERENCES clients);
--- rows
INSERT INTO clients (name) VALUES ('Ann'), ('Ben');
INSERT INTO calls VALUES (1, 1), (2, NULL);
--- up
ALTER TABLE clients RENAME TO partners;
ALTER SEQUENCE clients_id_seq RENAME TO partners_id_seq;
ALTER INDEX clients_pkey RENAME TO partners_pkey;
ALTER INDEX clients_name_idx RENAME TO partners_name_idx;
--- down
ALTER INDEX partners_name_idx RENAME TO clients_name_idx;
ALTER INDEX partners_pkey RENAME TO clients_pkey;
ALTER SEQUENCE partners_id_seq RENAME TO clients_id_seq;
ALTER TABLE partners RENAME TO clients;
