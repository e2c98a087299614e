-- What others are told: news that were not read yet, and messages that wait or had their turn.
CREATE TABLE news (
  id {id}, kind TEXT NOT NULL, app TEXT NOT NULL, environment TEXT NOT NULL, number BIGINT NOT NULL, detail TEXT NOT NULL,
  at {real} NOT NULL
);
CREATE TABLE messages (
  id {id}, channel TEXT NOT NULL, topic TEXT NOT NULL, rank BIGINT NOT NULL, message TEXT NOT NULL, added {real} NOT NULL,
  attempts BIGINT NOT NULL, due {real} NOT NULL, token BIGINT NOT NULL, until {real} NOT NULL, problem TEXT NOT NULL,
  ended {real}, outcome TEXT NOT NULL, UNIQUE (channel, topic)
);
CREATE INDEX messages_open ON messages (due, id) WHERE ended IS NULL;
CREATE INDEX messages_claimed ON messages (channel, until) WHERE ended IS NULL;
CREATE INDEX messages_ended ON messages (ended) WHERE ended IS NOT NULL;
CREATE INDEX messages_by_channel ON messages (channel, added);
CREATE TABLE notifications (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, command TEXT NOT NULL, events TEXT NOT NULL, actor TEXT NOT NULL,
  app TEXT NOT NULL, environment TEXT NOT NULL, created {real} NOT NULL
);
CREATE TABLE forge_tokens (
  webhook TEXT PRIMARY KEY, endpoint TEXT NOT NULL, login TEXT NOT NULL, actor TEXT NOT NULL, created {real} NOT NULL
)
