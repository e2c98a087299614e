-- What happened to the steps of launches, and to seeds that run once in an environment.
CREATE TABLE launches (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, step TEXT NOT NULL, outcome TEXT NOT NULL, release BIGINT,
  detail TEXT NOT NULL, actor TEXT NOT NULL, at {real} NOT NULL
);
CREATE INDEX launches_of ON launches (app, environment);
