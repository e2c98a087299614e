-- Single tests of the newest runs, as their reports say. tree: the files that were tested.
CREATE TABLE tests (
  run BIGINT NOT NULL REFERENCES runs (id), step TEXT NOT NULL, attempt BIGINT NOT NULL, place BIGINT NOT NULL,
  app TEXT NOT NULL, tree TEXT NOT NULL, started {real} NOT NULL, name TEXT NOT NULL, suite TEXT NOT NULL, file TEXT NOT NULL,
  outcome TEXT NOT NULL, seconds {real} NOT NULL, message TEXT NOT NULL, output TEXT NOT NULL,
  PRIMARY KEY (run, step, attempt, place)
);
CREATE INDEX tests_by_run ON tests (app, run);
CREATE INDEX tests_by_name ON tests (app, tree, step, name, outcome);
CREATE INDEX tests_by_outcome ON tests (app, outcome, started)
