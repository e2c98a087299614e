-- DROP VIEW takes its rewrite rules along.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: rule public.live_letters.hide removed
--- before
CREATE TABLE letters (id int PRIMARY KEY, text text, gone boolean NOT NULL DEFAULT false);
CREATE VIEW live_letters AS SELECT id, text FROM letters WHERE NOT gone;
CREATE RULE hide AS ON DELETE TO live_letters DO INSTEAD UPDATE letters SET gone = true WHERE id = OLD.id;
--- up
DROP VIEW live_letters;
--- down
CREATE VIEW live_letters AS SELECT id, text FROM letters WHERE NOT gone;
