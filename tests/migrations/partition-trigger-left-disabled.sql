-- Of one partition; the parent's trigger is enabled.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: trigger public.days_1.stamped changed: enabled
--- before
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE days (day int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (100);
CREATE TRIGGER stamped AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION stamp();
--- up
ALTER TABLE days_1 DISABLE TRIGGER stamped;
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (100) TO (200);
--- down
DROP TABLE days_2;
