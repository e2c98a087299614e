-- By which forges tell the server of pushes.
CREATE TABLE webhooks (
  name TEXT PRIMARY KEY, forge TEXT NOT NULL, address TEXT NOT NULL, actor TEXT NOT NULL, created {real} NOT NULL
)
