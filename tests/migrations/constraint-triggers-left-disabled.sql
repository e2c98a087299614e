-- The foreign key is there, and checks nothing.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.lines.lines_order changed: checked when
--- before
CREATE TABLE orders (id int PRIMARY KEY);
CREATE TABLE lines (id int PRIMARY KEY, "order" int CONSTRAINT lines_order REFERENCES orders);
--- up
ALTER TABLE lines DISABLE TRIGGER ALL;
ALTER TABLE lines ADD COLUMN amount int;
--- down
ALTER TABLE lines DROP COLUMN amount;
