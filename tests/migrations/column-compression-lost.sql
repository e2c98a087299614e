-- As before, but with the server's method.
-- verdict: NOT_RESTORED
-- triage: breaking
-- since: 14
-- differs: column public.pages.body changed: compression
--- before
CREATE TABLE pages (id int PRIMARY KEY, body text COMPRESSION pglz);
--- up
ALTER TABLE pages DROP COLUMN body;
--- down
ALTER TABLE pages ADD COLUMN body text;
