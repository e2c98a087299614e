-- Without quotes it is another table.
-- verdict: IRREVERSIBLE
-- triage: additive
-- warns: table "auditlog" does not exist, skipping
--- before
CREATE TABLE "Users" (id int PRIMARY KEY);
--- up
CREATE TABLE "AuditLog" (id int PRIMARY KEY, "userId" int REFERENCES "Users");
--- down
DROP TABLE IF EXISTS AuditLog;
