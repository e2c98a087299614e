-- The parent's index stays invalid without it.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.days_1_note changed: attached to
-- differs: index public.days_note changed: valid
--- before
CREATE TABLE days (day int NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (100);
CREATE INDEX days_note ON ONLY days (note);
CREATE INDEX days_1_note ON days_1 (note);
ALTER INDEX days_note ATTACH PARTITION days_1_note;
--- up
DROP INDEX days_note;
--- down
CREATE INDEX days_note ON ONLY days (note);
CREATE INDEX days_1_note ON days_1 (note);
