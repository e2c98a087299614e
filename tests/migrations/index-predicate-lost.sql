-- A unique index for rows that aren't deleted became one for all rows.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.handles_name changed: definition
--- before
CREATE TABLE handles (id int PRIMARY KEY, name text NOT NULL, deleted_at timestamptz);
CREATE UNIQUE INDEX handles_name ON handles (name) WHERE deleted_at IS NULL;
--- rows
INSERT INTO handles VALUES (1, 'ann', NULL), (2, 'ben', '2024-05-06 07:08:09.1+00');
--- up
DROP INDEX handles_name;
ALTER TABLE handles ADD COLUMN realm int NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX handles_realm_name ON handles (realm, name) WHERE deleted_at IS NULL;
--- down
DROP INDEX handles_realm_name;
ALTER TABLE handles DROP COLUMN realm;
CREATE UNIQUE INDEX handles_name ON handles (name);
