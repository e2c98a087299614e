-- Made and dropped, with all that it brings.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE socks (id int PRIMARY KEY, name text);
--- up
CREATE EXTENSION pg_trgm;
CREATE INDEX socks_name ON socks USING gin (name gin_trgm_ops);
--- down
DROP INDEX socks_name;
DROP EXTENSION pg_trgm;
