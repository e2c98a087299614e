-- Dropping a column drops its indexes silently; the down brings back the column alone.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: index public.visits_by_country removed
--- before
CREATE TABLE visits (id int PRIMARY KEY, page text, country char(2));
CREATE INDEX visits_by_country ON visits (country);
--- rows
INSERT INTO visits VALUES (1, '/', NULL), (2, '/about', NULL);
--- up
ALTER TABLE visits DROP COLUMN country;
--- down
ALTER TABLE visits ADD COLUMN country char(2);
