-- Who may do what: people and their roles, and the ways in which they prove who they are. Of what proves it, only digests are kept.
CREATE TABLE people (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL, active BIGINT NOT NULL, totp BIGINT NOT NULL, added {real} NOT NULL
);
CREATE TABLE grants (
  person TEXT NOT NULL REFERENCES people (name), role TEXT NOT NULL, app TEXT NOT NULL, environment TEXT NOT NULL,
  PRIMARY KEY (person, app, environment)
);
CREATE TABLE tokens (
  id {id}, person TEXT NOT NULL REFERENCES people (name), name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
  permissions TEXT NOT NULL, app TEXT NOT NULL, environment TEXT NOT NULL, created {real} NOT NULL, expires {real} NOT NULL,
  used {real}, revoked {real}
);
CREATE INDEX tokens_by_person ON tokens (person, id);
CREATE TABLE sessions (
  id {id}, person TEXT NOT NULL REFERENCES people (name), digest TEXT NOT NULL UNIQUE, address TEXT NOT NULL, how TEXT NOT NULL,
  created {real} NOT NULL, seen {real} NOT NULL, ended {real}
);
CREATE INDEX sessions_by_person ON sessions (person, address, created);
CREATE INDEX sessions_by_time ON sessions (seen);
CREATE TABLE sign_in_links (
  digest TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people (name), created {real} NOT NULL, expires {real} NOT NULL,
  used {real}
);
CREATE TABLE used_codes (
  person TEXT NOT NULL REFERENCES people (name), version BIGINT NOT NULL, step BIGINT NOT NULL, at {real} NOT NULL,
  PRIMARY KEY (person, version, step)
);
CREATE TABLE recovery_codes (
  person TEXT NOT NULL REFERENCES people (name), digest TEXT NOT NULL, used {real}, PRIMARY KEY (person, digest)
);
CREATE TABLE sign_in_attempts (bucket TEXT PRIMARY KEY, failures BIGINT NOT NULL, at {real} NOT NULL);
CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (at)
