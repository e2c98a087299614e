-- The same name, the same columns, another order.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.bookings_room_day changed: columns, definition
--- before
CREATE TABLE bookings (id int PRIMARY KEY, room int NOT NULL, day date NOT NULL);
CREATE INDEX bookings_room_day ON bookings (room, day);
--- up
DROP INDEX bookings_room_day;
--- down
CREATE INDEX bookings_room_day ON bookings (day, room);
