-- Changes of DNS records and of infrastructure, and what came of them.
CREATE TABLE provisions (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL,
  revision TEXT NOT NULL, actor TEXT NOT NULL, login TEXT NOT NULL, detail TEXT NOT NULL, started {real} NOT NULL
);
CREATE INDEX provisions_by_environment ON provisions (app, environment, kind, id);
CREATE TABLE provision_ends (
  provision BIGINT PRIMARY KEY REFERENCES provisions (id), finished {real} NOT NULL, outcome TEXT NOT NULL,
  message TEXT NOT NULL, outputs TEXT NOT NULL
);
