-- What a DBA set for the planner and the storage goes with the column.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.pages.body changed: storage, statistics target, options
--- before
CREATE TABLE pages (id int PRIMARY KEY, body text);
ALTER TABLE pages ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN body SET (n_distinct = -0.5);
--- up
ALTER TABLE pages DROP COLUMN body;
--- down
ALTER TABLE pages ADD COLUMN body text;
