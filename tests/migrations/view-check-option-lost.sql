-- Rows that the view doesn't show can be written through it now.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: view public.public_notes changed: options
--- before
CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, text text);
CREATE VIEW public_notes AS SELECT id, owner, text FROM notes WHERE owner = 'all' WITH LOCAL CHECK OPTION;
--- up
DROP VIEW public_notes;
--- down
CREATE VIEW public_notes AS SELECT id, owner, text FROM notes WHERE owner = 'all';
