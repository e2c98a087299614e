-- The policy is back, the switch isn't: every tenant sees all rows.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: table public.accounts changed: row security
--- before
CREATE TABLE accounts (id int PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON accounts USING (tenant = current_user);
--- rows
INSERT INTO accounts VALUES (1, 'a'), (2, 'b');
--- up
DROP POLICY own ON accounts;
ALTER TABLE accounts DISABLE ROW LEVEL SECURITY;
--- down
CREATE POLICY own ON accounts USING (tenant = current_user);
