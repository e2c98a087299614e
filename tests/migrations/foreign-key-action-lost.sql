-- ON DELETE CASCADE became NO ACTION.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.order_lines.order_lines_order_id_fkey changed: definition
--- before
CREATE TABLE orders (id int PRIMARY KEY);
CREATE TABLE order_lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders ON DELETE CASCADE);
--- rows
INSERT INTO orders VALUES (1), (2);
INSERT INTO order_lines VALUES (1, 1), (2, 2);
--- up
ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey;
--- down
ALTER TABLE order_lines ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders;
