-- It is there, and holds for no row.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 18
-- differs: constraint public.items.items_price changed: definition
--- before
CREATE TABLE items (id int PRIMARY KEY, price int, CONSTRAINT items_price CHECK (price > 0));
--- up
ALTER TABLE items DROP CONSTRAINT items_price;
--- down
ALTER TABLE items ADD CONSTRAINT items_price CHECK (price > 0) NOT ENFORCED;
