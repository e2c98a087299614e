-- Of all databases: the down writes a default of its own.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: settings of all roles changed: settings
--- before
ALTER ROLE ALL SET lock_timeout = 4000;
--- up
ALTER ROLE ALL SET lock_timeout = 8000;
CREATE TABLE charts (id int);
--- down
ALTER ROLE ALL SET lock_timeout = 0;
DROP TABLE charts;
--- after
ALTER ROLE ALL RESET lock_timeout;
