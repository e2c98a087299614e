-- A key of a document that the code no longer reads.
-- verdict: DATA_LOST
-- triage: additive
-- lost: public.profiles: settings
--- before
CREATE TABLE profiles (id int PRIMARY KEY, settings jsonb NOT NULL DEFAULT '{}');
--- rows
INSERT INTO profiles VALUES (1, '{"theme": "dark", "beta": true}'), (2, '{}');
--- up
UPDATE profiles SET settings = settings - 'beta';
--- down
UPDATE profiles SET settings = settings || '{"beta": false}';
