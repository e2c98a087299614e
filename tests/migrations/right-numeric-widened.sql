-- Two more digits in front.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE wages (id int PRIMARY KEY, amount numeric(10,2));
--- rows
INSERT INTO wages VALUES (1, 99999999.99), (2, -0.01), (3, NULL);
--- up
ALTER TABLE wages ALTER COLUMN amount TYPE numeric(12,2);
--- down
ALTER TABLE wages ALTER COLUMN amount TYPE numeric(10,2);
