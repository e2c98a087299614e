-- A key and a foreign key over time.
-- verdict: RESTORED
-- triage: review
-- since: 18
--- before
CREATE TABLE rooms (id int4range, open daterange, CONSTRAINT rooms_key PRIMARY KEY (id, open WITHOUT OVERLAPS));
CREATE TABLE bookings (room int4range, during daterange, CONSTRAINT bookings_room FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD open));
--- rows
INSERT INTO rooms VALUES ('[1,2)', '[2024-01-01,2025-01-01)');
INSERT INTO bookings VALUES ('[1,2)', '[2024-02-01,2024-03-01)');
--- up
ALTER TABLE bookings DROP CONSTRAINT bookings_room;
--- down
ALTER TABLE bookings ADD CONSTRAINT bookings_room FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD open);
