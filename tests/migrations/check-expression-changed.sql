-- >= became >.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.stock.stock_amount changed: definition
--- before
CREATE TABLE stock (id int PRIMARY KEY, amount int NOT NULL, CONSTRAINT stock_amount CHECK (amount >= 0));
--- rows
INSERT INTO stock VALUES (1, 5), (2, 7);
--- up
ALTER TABLE stock DROP CONSTRAINT stock_amount;
ALTER TABLE stock ADD CONSTRAINT stock_amount CHECK (amount >= -10);
--- down
ALTER TABLE stock DROP CONSTRAINT stock_amount;
ALTER TABLE stock ADD CONSTRAINT stock_amount CHECK (amount > 0);
