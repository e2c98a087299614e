-- A table that is made anew belongs to its owner alone.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: table public.reports changed: privileges
--- before
CREATE TABLE reports (id int PRIMARY KEY, text text);
GRANT SELECT ON reports TO pair_reader;
GRANT SELECT, INSERT ON reports TO pair_writer;
--- rows
INSERT INTO reports VALUES (1, 'fine');
--- up
CREATE TABLE reports_new (id int PRIMARY KEY, text text, author text);
INSERT INTO reports_new SELECT id, text, NULL FROM reports;
DROP TABLE reports;
ALTER TABLE reports_new RENAME TO reports;
ALTER INDEX reports_new_pkey RENAME TO reports_pkey;
GRANT SELECT ON reports TO pair_reader;
GRANT SELECT, INSERT ON reports TO pair_writer;
--- down
CREATE TABLE reports_old (id int PRIMARY KEY, text text);
INSERT INTO reports_old SELECT id, text FROM reports;
DROP TABLE reports;
ALTER TABLE reports_old RENAME TO reports;
ALTER INDEX reports_old_pkey RENAME TO reports_pkey;
GRANT SELECT ON reports TO pair_reader;
GRANT SELECT ON reports TO pair_writer;
