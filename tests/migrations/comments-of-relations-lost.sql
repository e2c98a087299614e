-- A generator of documentation reads them.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.stock.id removed
-- differs: constraint public.items.items_price changed: comment
-- differs: constraint public.price.positive changed: comment
-- differs: foreign table public.far_items changed: comment
-- differs: index public.items_name changed: comment
-- differs: materialized view public.totals changed: comment
-- differs: policy public.items.mine changed: comment
-- differs: rule public.items.keep changed: comment
-- differs: sequence public.numbers changed: comment
-- differs: statistics public.items_both changed: comment
-- differs: trigger public.items.stamped changed: comment
-- differs: view public.stock changed: comment
--- before
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE DOMAIN price AS int CONSTRAINT positive CHECK (value > 0);
CREATE TABLE items (id int PRIMARY KEY, name text, price int CONSTRAINT items_price CHECK (price > 0));
CREATE INDEX items_name ON items (name);
CREATE STATISTICS items_both (dependencies) ON name, price FROM items;
CREATE POLICY mine ON items USING (true);
CREATE RULE keep AS ON DELETE TO items WHERE OLD.id = 1 DO INSTEAD NOTHING;
CREATE TRIGGER stamped BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE VIEW stock AS SELECT id FROM items;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS number FROM items;
CREATE SEQUENCE numbers;
CREATE FOREIGN TABLE far_items (id int) SERVER far;
COMMENT ON INDEX items_name IS 'x';
COMMENT ON STATISTICS items_both IS 'x';
COMMENT ON POLICY mine ON items IS 'x';
COMMENT ON RULE keep ON items IS 'x';
COMMENT ON TRIGGER stamped ON items IS 'x';
COMMENT ON VIEW stock IS 'x';
COMMENT ON COLUMN stock.id IS 'x';
COMMENT ON MATERIALIZED VIEW totals IS 'x';
COMMENT ON SEQUENCE numbers IS 'x';
COMMENT ON FOREIGN TABLE far_items IS 'x';
COMMENT ON CONSTRAINT items_price ON items IS 'x';
COMMENT ON CONSTRAINT positive ON DOMAIN price IS 'x';
--- up
DROP FOREIGN TABLE far_items;
DROP SEQUENCE numbers;
DROP MATERIALIZED VIEW totals;
DROP VIEW stock;
DROP TABLE items;
DROP DOMAIN price;
--- down
CREATE DOMAIN price AS int CONSTRAINT positive CHECK (value > 0);
CREATE TABLE items (id int PRIMARY KEY, name text, price int CONSTRAINT items_price CHECK (price > 0));
CREATE INDEX items_name ON items (name);
CREATE STATISTICS items_both (dependencies) ON name, price FROM items;
CREATE POLICY mine ON items USING (true);
CREATE RULE keep AS ON DELETE TO items WHERE OLD.id = 1 DO INSTEAD NOTHING;
CREATE TRIGGER stamped BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE VIEW stock AS SELECT id FROM items;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS number FROM items;
CREATE SEQUENCE numbers;
CREATE FOREIGN TABLE far_items (id int) SERVER far;
