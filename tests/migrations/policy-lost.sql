-- Row security without a policy: nobody sees anything.
-- verdict: FAILS
-- triage: review
-- reason: policy "readers" for table "mails" does not exist
-- differs: policy public.mails.readers removed
--- before
CREATE TABLE mails (id int PRIMARY KEY, owner text NOT NULL);
ALTER TABLE mails ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON mails FOR SELECT USING (owner = current_user);
--- up
DROP POLICY readers ON mails;
CREATE POLICY all_mails ON mails USING (owner = current_user);
--- down
DROP POLICY all_mails ON mails;
