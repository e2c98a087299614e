-- Two rows without a key exchange a value: each column has the same values as before.
-- verdict: DATA_LOST
-- empty: RESTORED
-- triage: additive
-- lost: public.seats: holder, seat
--- before
CREATE TABLE seats (holder text, seat int);
--- rows
INSERT INTO seats VALUES ('Ann', 1), ('Ben', 2);
--- up
UPDATE seats SET seat = 3 - seat;
CREATE TABLE seat_plans (id int);
--- down
DROP TABLE seat_plans;
