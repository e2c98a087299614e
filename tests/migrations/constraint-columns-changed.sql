-- Unique together with another column.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.seats.seats_unique changed: columns, definition
--- before
CREATE TABLE seats (hall int, "row" int, number int, CONSTRAINT seats_unique UNIQUE (hall, "row", number));
--- up
ALTER TABLE seats DROP CONSTRAINT seats_unique;
--- down
ALTER TABLE seats ADD CONSTRAINT seats_unique UNIQUE ("row", number);
