-- The reader may all that the writer may, and pass it on.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: role pair_reader changed: member of
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
GRANT pair_writer TO pair_reader WITH ADMIN OPTION;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
--- after
REVOKE pair_writer FROM pair_reader;
