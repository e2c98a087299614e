-- PostgreSQL makes those of the partitions.
-- verdict: RESTORED
-- triage: review
--- before
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE days (day int NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (100);
CREATE INDEX days_note ON days (note);
CREATE TRIGGER stamped AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE days ADD CONSTRAINT days_unique UNIQUE (day, note);
--- up
DROP INDEX days_note;
DROP TRIGGER stamped ON days;
ALTER TABLE days DROP CONSTRAINT days_unique;
--- down
CREATE INDEX days_note ON days (note);
CREATE TRIGGER stamped AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE days ADD CONSTRAINT days_unique UNIQUE (day, note);
