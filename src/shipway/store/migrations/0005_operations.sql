-- Commands that people ran, and what restarts and scaling changed of a release.
CREATE TABLE operations (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, release BIGINT NOT NULL, kind TEXT NOT NULL,
  service TEXT NOT NULL, actor TEXT NOT NULL, login TEXT NOT NULL, detail TEXT NOT NULL, started {real} NOT NULL
);
CREATE INDEX operations_by_environment ON operations (app, environment, id);
CREATE TABLE operation_ends (
  operation BIGINT PRIMARY KEY REFERENCES operations (id), finished {real} NOT NULL, code BIGINT NOT NULL
);
ALTER TABLE deployments ADD COLUMN adjustments TEXT NOT NULL DEFAULT '';
