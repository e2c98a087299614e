-- Of all databases.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: settings of all roles added
--- before
CREATE TABLE reports (id int PRIMARY KEY);
--- up
ALTER ROLE ALL SET lock_timeout = 4000;
CREATE TABLE charts (id int);
--- down
ALTER ROLE ALL SET lock_timeout = 0;
DROP TABLE charts;
--- after
ALTER ROLE ALL RESET lock_timeout;
