-- Switched on with a policy, off without.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE secrets_kept (id int PRIMARY KEY, owner text);
--- rows
INSERT INTO secrets_kept VALUES (1, 'ann');
--- up
ALTER TABLE secrets_kept ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets_kept USING (owner = current_user);
--- down
DROP POLICY own ON secrets_kept;
ALTER TABLE secrets_kept DISABLE ROW LEVEL SECURITY;
