-- Who did what, as a chain of digests. Two entries can't follow the same one.
CREATE TABLE audit (
  number BIGINT PRIMARY KEY, at {real} NOT NULL, actor TEXT NOT NULL, proof TEXT NOT NULL, origin TEXT NOT NULL, kind TEXT NOT NULL,
  app TEXT NOT NULL, environment TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL,
  part_of BIGINT NOT NULL, previous TEXT NOT NULL UNIQUE, digest TEXT NOT NULL
);
CREATE INDEX audit_by_place ON audit (app, environment, number);
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX audit_by_kind ON audit (kind, number);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_subject ON audit (subject, number);
CREATE INDEX audit_ends ON audit (part_of) WHERE kind = 'ended'
;
-- For figures about many runs.
CREATE INDEX runs_by_tree ON runs (app, tree, started);
CREATE INDEX steps_by_name ON steps (app, name, started, outcome, finished);
CREATE INDEX steps_failed ON steps (app, started, name, key) WHERE outcome = 'failed'
