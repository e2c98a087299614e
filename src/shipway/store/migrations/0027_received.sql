-- Signed requests of forges that told of pull requests, for a while: none counts twice, nor after a newer one.
CREATE TABLE received (
  webhook TEXT NOT NULL, digest TEXT NOT NULL, number BIGINT NOT NULL, told {real} NOT NULL, at {real} NOT NULL,
  PRIMARY KEY (webhook, digest)
);
CREATE INDEX received_by_number ON received (webhook, number);
CREATE INDEX received_by_time ON received (at);
DELETE FROM properties WHERE substr(name, 1, 9) = 'received/'
