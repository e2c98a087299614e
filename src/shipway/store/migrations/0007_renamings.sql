-- Names given to apps and environments; all other tables keep the first ones.
CREATE TABLE renamings (
  id {id}, app TEXT NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
  at {real} NOT NULL
);
