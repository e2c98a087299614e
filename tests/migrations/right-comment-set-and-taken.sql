-- IS NULL takes a comment away.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE items (id int PRIMARY KEY, sku text);
COMMENT ON COLUMN items.id IS 'internal';
--- up
COMMENT ON COLUMN items.sku IS 'as printed';
COMMENT ON COLUMN items.id IS 'never shown';
--- down
COMMENT ON COLUMN items.sku IS NULL;
COMMENT ON COLUMN items.id IS 'internal';
