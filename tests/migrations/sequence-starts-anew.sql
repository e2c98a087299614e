-- The table is copied back with its ids, and the new sequence begins with 1: the next INSERT meets a row that is there.
-- verdict: DATA_LOST
-- triage: breaking
-- reason: the next value of sequence public.receipts_id_seq is already used
--- before
CREATE TABLE receipts (id serial PRIMARY KEY, total int);
--- rows
INSERT INTO receipts (total) VALUES (10), (20), (30);
--- up
ALTER TABLE receipts ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE receipts_id_seq;
--- down
CREATE SEQUENCE receipts_id_seq AS integer OWNED BY receipts.id;
ALTER TABLE receipts ALTER COLUMN id SET DEFAULT nextval('receipts_id_seq');
