-- text_pattern_ops is what LIKE 'abc%' needs.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.towns_prefix changed: definition
--- before
CREATE TABLE towns (id int PRIMARY KEY, name text NOT NULL);
CREATE INDEX towns_prefix ON towns (name text_pattern_ops);
--- up
DROP INDEX towns_prefix;
CREATE INDEX towns_name ON towns (name);
--- down
DROP INDEX towns_name;
CREATE INDEX towns_prefix ON towns (name);
