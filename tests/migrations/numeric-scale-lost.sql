-- numeric(10,2) came back as numeric: cents are no longer what the table rounds to.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.fees.amount changed: type
--- before
CREATE TABLE fees (id int PRIMARY KEY, amount numeric(10,2) NOT NULL);
--- rows
INSERT INTO fees VALUES (1, 10.50), (2, -0.01);
--- up
ALTER TABLE fees ALTER COLUMN amount TYPE numeric(14,4);
--- down
ALTER TABLE fees ALTER COLUMN amount TYPE numeric USING round(amount, 2);
