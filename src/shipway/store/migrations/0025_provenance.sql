-- Keys that sign images, and what is known of where images come from.
CREATE TABLE signing_keys (
  id {id}, app TEXT NOT NULL, key TEXT NOT NULL, public TEXT NOT NULL, actor TEXT NOT NULL, at {real} NOT NULL
);
CREATE UNIQUE INDEX signing_keys_of ON signing_keys (app, key);
CREATE TABLE signing_key_ends (
  id {id}, app TEXT NOT NULL, key TEXT NOT NULL, actor TEXT NOT NULL, at {real} NOT NULL, reason TEXT NOT NULL
);
CREATE UNIQUE INDEX signing_key_ends_of ON signing_key_ends (app, key);
CREATE TABLE image_records (
  id {id}, app TEXT NOT NULL, image TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX image_records_of ON image_records (app, image, kind)
