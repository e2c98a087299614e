-- The migration history of another tool than the one in use is a table like any other.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.schema_migrations.version added
-- differs: constraint public.schema_migrations.schema_migrations_pkey added
-- differs: table public.schema_migrations added
--- before
CREATE TABLE goods (id int);
--- up
DROP TABLE IF EXISTS schema_migrations;
ALTER TABLE goods DROP COLUMN id;
--- down
CREATE TABLE schema_migrations (version text PRIMARY KEY);
ALTER TABLE goods ADD COLUMN id int;
