-- DROP SCHEMA … CASCADE of what the way up made.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE anchors (id int PRIMARY KEY);
--- up
CREATE SCHEMA reporting;
CREATE TABLE reporting.facts (id bigserial PRIMARY KEY, anchor int REFERENCES anchors);
CREATE VIEW reporting.totals AS SELECT count(*) AS number FROM reporting.facts;
--- down
DROP SCHEMA reporting CASCADE;
