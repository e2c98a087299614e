-- Runs of jobs on a schedule: one row for each due time and attempt, so that only one controller can claim it.
CREATE TABLE scheduled_runs (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, schedule TEXT NOT NULL, due {real} NOT NULL,
  attempt BIGINT NOT NULL, release BIGINT NOT NULL, host TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
  created {real} NOT NULL, began {real}, outcome TEXT NOT NULL DEFAULT 'pending', finished {real}, exit_code BIGINT,
  detail TEXT NOT NULL DEFAULT '', log TEXT NOT NULL DEFAULT '', missed BIGINT NOT NULL, missed_since {real},
  UNIQUE (app, environment, schedule, due, attempt),
  FOREIGN KEY (app, release) REFERENCES releases (app, number)
);
CREATE INDEX scheduled_runs_by_schedule ON scheduled_runs (app, environment, schedule, id);
CREATE INDEX scheduled_runs_pending ON scheduled_runs (app, environment, id) WHERE outcome = 'pending'
