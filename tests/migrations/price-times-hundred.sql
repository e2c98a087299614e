-- Back and forth by a factor, with rounding in between.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.menus: price
--- before
CREATE TABLE menus (id int PRIMARY KEY, price numeric NOT NULL);
--- rows
INSERT INTO menus VALUES (1, 3.50), (2, 1.125);
--- up
UPDATE menus SET price = round(price * 100);
--- down
UPDATE menus SET price = price / 100;
