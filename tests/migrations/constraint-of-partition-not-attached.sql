-- The parent's unique constraint stays invalid.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.days.days_unique changed: valid
-- differs: constraint public.days_1.days_1_unique changed: inherited, attached to
--- before
CREATE TABLE days (day int NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (100);
ALTER TABLE days_1 ADD CONSTRAINT days_1_unique UNIQUE (day, note);
ALTER TABLE days ADD CONSTRAINT days_unique UNIQUE (day, note);
--- up
ALTER TABLE days DROP CONSTRAINT days_unique;
--- down
ALTER TABLE days_1 ADD CONSTRAINT days_1_unique UNIQUE (day, note);
ALTER TABLE ONLY days ADD CONSTRAINT days_unique UNIQUE (day, note);
