-- The same name, open to everybody.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: policy public.diary.own changed: using
--- before
CREATE TABLE diary (id int PRIMARY KEY, owner text NOT NULL);
ALTER TABLE diary ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON diary TO pair_reader USING (owner = current_user) WITH CHECK (owner = current_user);
--- up
DROP POLICY own ON diary;
--- down
CREATE POLICY own ON diary TO pair_reader USING (true) WITH CHECK (owner = current_user);
