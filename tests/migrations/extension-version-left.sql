-- An update of an extension has no way back.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: extension hstore changed: version
--- before
CREATE EXTENSION hstore VERSION '1.4';
CREATE TABLE bags (id int PRIMARY KEY);
--- up
ALTER EXTENSION hstore UPDATE;
ALTER TABLE bags ADD COLUMN content hstore;
--- down
ALTER TABLE bags DROP COLUMN content;
