-- Pushes that wait for their turn, or had it.
CREATE TABLE pushes (
  id {id}, key TEXT NOT NULL UNIQUE, lane TEXT NOT NULL, repository TEXT NOT NULL, place TEXT NOT NULL, ref TEXT NOT NULL,
  old TEXT NOT NULL, new TEXT NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, protected TEXT NOT NULL, queued {real} NOT NULL, worker TEXT NOT NULL,
  token BIGINT NOT NULL, until {real} NOT NULL, started {real}, ended {real}, outcome TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX pushes_open ON pushes (lane, id) WHERE ended IS NULL
