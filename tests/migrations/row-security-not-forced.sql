-- FORCE made it hold for the owner as well.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: table public.wallets changed: row security
--- before
CREATE TABLE wallets (id int PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE wallets ENABLE ROW LEVEL SECURITY;
ALTER TABLE wallets FORCE ROW LEVEL SECURITY;
--- up
ALTER TABLE wallets NO FORCE ROW LEVEL SECURITY;
ALTER TABLE wallets DISABLE ROW LEVEL SECURITY;
--- down
ALTER TABLE wallets ENABLE ROW LEVEL SECURITY;
