-- The first schema. {id} and {trigger …} are filled in by dialect: see store/schema.py.
CREATE TABLE runs (
  id {id}, app TEXT NOT NULL, revision TEXT NOT NULL, tree TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
  actor TEXT NOT NULL, started {real} NOT NULL, finished {real}, outcome TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX runs_by_app ON runs (app, id);
CREATE TABLE steps (
  run BIGINT NOT NULL REFERENCES runs (id), name TEXT NOT NULL, app TEXT NOT NULL, key TEXT NOT NULL,
  started {real} NOT NULL, finished {real}, outcome TEXT NOT NULL DEFAULT 'pending', result TEXT,
  PRIMARY KEY (run, name)
);
CREATE INDEX steps_by_key ON steps (app, name, key, outcome, run);
CREATE TABLE releases (
  app TEXT NOT NULL, number BIGINT NOT NULL, tree TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (app, number)
);
CREATE INDEX releases_by_tree ON releases (app, tree, number);
CREATE TABLE deployments (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, release BIGINT NOT NULL, kind TEXT NOT NULL,
  actor TEXT NOT NULL, reason TEXT NOT NULL, started {real} NOT NULL, secrets TEXT NOT NULL,
  FOREIGN KEY (app, release) REFERENCES releases (app, number)
);
CREATE INDEX deployments_by_environment ON deployments (app, environment, id);
CREATE TABLE outcomes (
  deployment BIGINT PRIMARY KEY REFERENCES deployments (id), outcome TEXT NOT NULL, finished {real} NOT NULL,
  schema_revision TEXT, detail TEXT NOT NULL
);
CREATE TABLE approvals (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, release BIGINT NOT NULL, digest TEXT NOT NULL,
  actor TEXT NOT NULL, reason TEXT NOT NULL, at {real} NOT NULL,
  FOREIGN KEY (app, release) REFERENCES releases (app, number)
);
CREATE TABLE evidence (
  id {id}, app TEXT NOT NULL, release BIGINT NOT NULL, environment TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, passed BIGINT NOT NULL, detail TEXT NOT NULL, at {real} NOT NULL,
  FOREIGN KEY (app, release) REFERENCES releases (app, number)
);
CREATE INDEX evidence_by_release ON evidence (app, release, id);
CREATE TABLE leases (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, reason TEXT NOT NULL, since {real} NOT NULL, expires {real} NOT NULL,
  token BIGINT NOT NULL
);
