-- The search path decides which of two tables is dropped.
-- verdict: FAILS
-- triage: additive
-- reason: relation "settings" already exists
-- differs: column public.settings.name removed
-- differs: column public.settings.value removed
-- differs: column shop.settings.name added
-- differs: column shop.settings.value added
-- differs: constraint public.settings.settings_pkey removed
-- differs: constraint shop.settings.settings_pkey added
-- differs: table public.settings removed
-- differs: table shop.settings added
--- before
CREATE SCHEMA shop;
CREATE TABLE settings (name text PRIMARY KEY, value text);
--- rows
INSERT INTO settings VALUES ('theme', 'dark');
--- up
CREATE TABLE shop.settings (name text PRIMARY KEY, value text);
--- down
DROP TABLE settings;
