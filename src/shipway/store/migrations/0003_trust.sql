-- Trust: what identifies a ledger, and what it keeps for its engines.
CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE secrets (
  scope TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, fingerprint TEXT NOT NULL, sealed TEXT NOT NULL,
  PRIMARY KEY (scope, name, version)
);
CREATE TABLE adoptions (
  host TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, ledger TEXT NOT NULL, actor TEXT NOT NULL,
  at {real} NOT NULL, PRIMARY KEY (host, kind, id)
);
CREATE TABLE registrations (
  id {id}, app TEXT NOT NULL, address TEXT NOT NULL, plan TEXT NOT NULL, branch TEXT NOT NULL, baseline TEXT NOT NULL,
  actor TEXT NOT NULL, at {real} NOT NULL
);
CREATE INDEX registrations_by_app ON registrations (app, id);
CREATE TABLE accepted_rules (id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX accepted_rules_by_environment ON accepted_rules (app, environment, id);
ALTER TABLE approvals ADD COLUMN login TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN change TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN expires {real};
ALTER TABLE approvals ADD COLUMN signature TEXT NOT NULL DEFAULT '';
CREATE INDEX approvals_by_release ON approvals (app, environment, release, id);
CREATE INDEX evidence_by_name ON evidence (app, kind, name, release);
CREATE INDEX deployments_by_release ON deployments (app, environment, release, id);
CREATE INDEX deployments_by_app ON deployments (app, id);
CREATE INDEX deployments_by_kind ON deployments (app, environment, kind, id);
CREATE INDEX runs_pending ON runs (app, id) WHERE outcome = 'pending';
