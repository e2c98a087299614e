-- What actions reported: the output of runs and deployments, for who looks later or from elsewhere.
CREATE TABLE events (
  seq {id}, app TEXT NOT NULL, subject TEXT NOT NULL, number BIGINT NOT NULL, at {real} NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, text TEXT NOT NULL, outcome TEXT NOT NULL, seconds {real}
);
CREATE INDEX events_by_subject ON events (app, subject, number, seq);
CREATE INDEX events_by_time ON events (app, at)
