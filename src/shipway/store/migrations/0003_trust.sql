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
