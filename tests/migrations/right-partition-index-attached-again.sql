-- Detaching and attaching finds the indexes and triggers that match.
-- verdict: RESTORED
-- triage: review
--- before
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE makers (id int PRIMARY KEY);
CREATE TABLE days (day int NOT NULL, maker int REFERENCES makers, PRIMARY KEY (day)) PARTITION BY RANGE (day);
CREATE TABLE days_1 (day int NOT NULL, maker int);
ALTER TABLE days ATTACH PARTITION days_1 FOR VALUES FROM (1) TO (100);
CREATE INDEX days_maker ON days (maker);
CREATE TRIGGER stamped AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION stamp();
--- up
ALTER TABLE days DETACH PARTITION days_1;
--- down
ALTER TABLE days ATTACH PARTITION days_1 FOR VALUES FROM (1) TO (100);
