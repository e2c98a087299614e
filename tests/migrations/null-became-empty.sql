-- Filled for NOT NULL; which ones were NULL nobody knows any more.
-- verdict: DATA_LOST
-- triage: breaking
-- lost: public.customers: phone
--- before
CREATE TABLE customers (id int PRIMARY KEY, phone text);
--- rows
INSERT INTO customers VALUES (1, '0123'), (2, NULL), (3, '');
--- up
UPDATE customers SET phone = '' WHERE phone IS NULL;
ALTER TABLE customers ALTER COLUMN phone SET NOT NULL;
--- down
ALTER TABLE customers ALTER COLUMN phone DROP NOT NULL;
