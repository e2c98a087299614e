-- Of the expression, whose values the planner samples.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: index public.users_mail changed: statistics targets
--- before
CREATE TABLE users (id int PRIMARY KEY, mail text);
CREATE INDEX users_mail ON users (lower(mail));
ALTER INDEX users_mail ALTER COLUMN 1 SET STATISTICS 1000;
--- up
ALTER INDEX users_mail ALTER COLUMN 1 SET STATISTICS -1;
ALTER TABLE users ADD COLUMN phone text;
--- down
ALTER TABLE users DROP COLUMN phone;
