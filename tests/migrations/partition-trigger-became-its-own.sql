-- Detached, with a trigger that only looks the same.
-- verdict: FAILS
-- triage: review
-- reason: relation "days_1" is not a partition of relation "days"
-- differs: column public.days_1.day changed: inherited
-- differs: table public.days_1 changed: bounds, inherits
-- differs: trigger public.days_1.stamped changed: inherited
--- before
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE days (day int) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (100);
CREATE TRIGGER stamped AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION stamp();
--- up
ALTER TABLE days DETACH PARTITION days_1;
--- down
CREATE TRIGGER stamped AFTER INSERT ON days_1 FOR EACH ROW EXECUTE FUNCTION stamp();
