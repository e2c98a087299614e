-- Bookings of one room may overlap.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 18
-- differs: constraint public.bookings.bookings_key changed: definition
--- before
CREATE TABLE bookings (room int4range NOT NULL, during daterange NOT NULL, CONSTRAINT bookings_key UNIQUE (room, during WITHOUT OVERLAPS));
--- up
ALTER TABLE bookings DROP CONSTRAINT bookings_key;
--- down
ALTER TABLE bookings ADD CONSTRAINT bookings_key UNIQUE (room, during);
