-- Deleted and written again: another place on the disk, the same rows.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE bans (id int PRIMARY KEY, address text, reason text);
--- rows
INSERT INTO bans VALUES (1, '10.0.0.1', NULL), (2, '10.0.0.2', 'Ünicode'), (3, '10.0.0.3', '');
--- up
CREATE TABLE old_bans AS SELECT * FROM bans WHERE id <= 2;
DELETE FROM bans WHERE id <= 2;
--- down
INSERT INTO bans SELECT * FROM old_bans ORDER BY id DESC;
DROP TABLE old_bans;
