-- When each version of a secret became known, and from which provider. Versions of before have none.
CREATE TABLE secret_origins (
  id {id}, scope TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, source TEXT NOT NULL,
  source_version TEXT NOT NULL, at {real} NOT NULL
);
CREATE INDEX secret_origins_by_scope ON secret_origins (scope, id);
