-- Back to the defaults, which nothing is kept of.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE pages (id int PRIMARY KEY, body text);
CREATE INDEX pages_body ON pages (lower(body));
--- up
ALTER TABLE pages ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN body SET (n_distinct = -0.5);
ALTER TABLE pages SET (toast.autovacuum_enabled = false), CLUSTER ON pages_body;
ALTER INDEX pages_body ALTER COLUMN 1 SET STATISTICS 1000;
--- down
ALTER TABLE pages ALTER COLUMN body SET STORAGE EXTENDED, ALTER COLUMN body SET STATISTICS -1, ALTER COLUMN body RESET (n_distinct);
ALTER TABLE pages RESET (toast.autovacuum_enabled), SET WITHOUT CLUSTER;
ALTER INDEX pages_body ALTER COLUMN 1 SET STATISTICS -1;
