-- Deployments that wait for people or for a time, and holds of automatic deployment after a rollback.
CREATE TABLE waiting (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, release BIGINT NOT NULL, revision TEXT NOT NULL, ref TEXT NOT NULL,
  actor TEXT NOT NULL, person TEXT NOT NULL, why TEXT NOT NULL, at {real} NOT NULL, since BIGINT NOT NULL, until {real}, seen TEXT NOT NULL, judged {real} NOT NULL,
  begun BIGINT NOT NULL, ended {real}, outcome TEXT NOT NULL, note TEXT NOT NULL
);
CREATE UNIQUE INDEX waiting_open ON waiting (app, environment) WHERE ended IS NULL;
CREATE TABLE holds (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, held BIGINT NOT NULL, release BIGINT NOT NULL, actor TEXT NOT NULL,
  reason TEXT NOT NULL, at {real} NOT NULL
);
CREATE INDEX holds_of ON holds (app, environment)
