-- Repositories that are asked for new commits.
CREATE TABLE polls (
  name TEXT PRIMARY KEY, address TEXT NOT NULL, every {real} NOT NULL, actor TEXT NOT NULL, created {real} NOT NULL,
  seq BIGINT NOT NULL, refs TEXT, asked {real} NOT NULL, problem TEXT NOT NULL
)
