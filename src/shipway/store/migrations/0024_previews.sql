-- Previews of pull requests: what is wanted, and how far it is.
CREATE TABLE previews (
  app TEXT NOT NULL, number BIGINT NOT NULL, branch TEXT NOT NULL, head TEXT NOT NULL, wanted TEXT NOT NULL, actor TEXT NOT NULL,
  asked {real} NOT NULL, seq BIGINT NOT NULL, done TEXT NOT NULL, release BIGINT NOT NULL, problem TEXT NOT NULL,
  ends {real} NOT NULL, sleep {real} NOT NULL, used {real} NOT NULL, requests BIGINT NOT NULL, asleep BIGINT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (app, number)
)
