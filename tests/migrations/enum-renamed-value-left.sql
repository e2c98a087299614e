-- RENAME VALUE is reverted under the wrong name.
-- verdict: FAILS
-- triage: breaking
-- reason: "cancelled" is not an existing enum label
--- before
CREATE TYPE order_state AS ENUM ('open', 'canceled');
CREATE TABLE purchases (id int PRIMARY KEY, state order_state NOT NULL DEFAULT 'open');
--- up
ALTER TYPE order_state RENAME VALUE 'canceled' TO 'cancelled by us';
--- down
ALTER TYPE order_state RENAME VALUE 'cancelled' TO 'canceled';
