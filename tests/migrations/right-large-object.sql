-- Under another number.
-- verdict: RESTORED
-- triage: breaking
--- before
SELECT lo_create(4711);
CREATE TABLE files (id int PRIMARY KEY);
--- up
SELECT lo_unlink(oid) FROM pg_largeobject_metadata;
--- down
SELECT lo_create(0);
