-- Backups of environments, and of the ledger itself (an empty app): pending from their start until their outcome is
-- recorded; each verification replaces the last three.
CREATE TABLE backups (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, manifest TEXT NOT NULL, store TEXT NOT NULL, actor TEXT NOT NULL,
  reason TEXT NOT NULL, started {real} NOT NULL, due {real}, outcome TEXT NOT NULL, finished {real}, detail TEXT NOT NULL,
  digest TEXT NOT NULL, verified {real}, how TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE INDEX backups_of ON backups (app, environment, id);
