-- Who may act as whom is a matter of the membership's options.
-- verdict: NOT_RESTORED
-- triage: review
-- since: 16
-- differs: role pair_reader changed: member of
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
GRANT pair_writer TO pair_reader WITH INHERIT FALSE, SET FALSE;
CREATE TABLE charts (id int);
--- down
GRANT pair_writer TO pair_reader WITH INHERIT TRUE;
DROP TABLE charts;
--- after
REVOKE pair_writer FROM pair_reader;
