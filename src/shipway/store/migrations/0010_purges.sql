-- Purges of CDNs: recorded before a switch, and pending until the provider has accepted them.
CREATE TABLE purges (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, deployment BIGINT, release BIGINT NOT NULL, previous BIGINT,
  plan BIGINT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, created {real} NOT NULL, what TEXT NOT NULL,
  done BIGINT NOT NULL, rounds BIGINT NOT NULL, attempts BIGINT NOT NULL, due {real} NOT NULL, outcome TEXT NOT NULL,
  finished {real}, detail TEXT NOT NULL, verified TEXT NOT NULL, targets TEXT NOT NULL DEFAULT ''
);
CREATE INDEX purges_by_environment ON purges (app, environment, id);
CREATE INDEX purges_pending ON purges (app, environment, id) WHERE outcome = 'pending'
