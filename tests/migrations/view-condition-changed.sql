-- The same columns, other rows.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: view public.current_users changed: definition
--- before
CREATE TABLE users (id int PRIMARY KEY, active boolean NOT NULL, banned boolean NOT NULL);
CREATE VIEW current_users AS SELECT id FROM users WHERE active AND NOT banned;
--- up
CREATE OR REPLACE VIEW current_users AS SELECT id FROM users WHERE NOT banned;
--- down
CREATE OR REPLACE VIEW current_users AS SELECT id FROM users WHERE active;
