-- Another condition; and it is off.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: rule public.users.keep_admins changed: definition, enabled
--- before
CREATE TABLE users (id int PRIMARY KEY, admin bool);
CREATE RULE keep_admins AS ON DELETE TO users WHERE OLD.admin DO INSTEAD NOTHING;
--- up
DROP RULE keep_admins ON users;
--- down
CREATE RULE keep_admins AS ON DELETE TO users WHERE OLD.id = 1 DO INSTEAD NOTHING;
ALTER TABLE users DISABLE RULE keep_admins;
