-- How rollbacks went, what people accepted, the scripts that lead back, and snapshots of databases.
ALTER TABLE deployments ADD COLUMN way TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN goal TEXT;
CREATE TABLE acceptances (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, release BIGINT NOT NULL, digest TEXT NOT NULL,
  finding TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, at {real} NOT NULL, expires {real} NOT NULL,
  FOREIGN KEY (app, release) REFERENCES releases (app, number)
);
CREATE INDEX acceptances_by_release ON acceptances (app, environment, release, id);
CREATE TABLE snapshots (
  app TEXT NOT NULL, environment TEXT NOT NULL, number BIGINT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (app, environment, number)
);
