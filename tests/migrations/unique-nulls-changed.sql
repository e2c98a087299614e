-- NULLS NOT DISTINCT let one row be without a number; now there may be many.
-- verdict: NOT_RESTORED
-- since: 15
-- triage: review
-- differs: constraint public.lockers.lockers_number changed: definition
--- before
CREATE TABLE lockers (id int PRIMARY KEY, number int, CONSTRAINT lockers_number UNIQUE NULLS NOT DISTINCT (number));
--- up
ALTER TABLE lockers DROP CONSTRAINT lockers_number;
--- down
ALTER TABLE lockers ADD CONSTRAINT lockers_number UNIQUE (number);
