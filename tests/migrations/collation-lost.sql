-- Byte order became the language's.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.codes.code changed: collation
--- before
CREATE TABLE codes (code text COLLATE "C" PRIMARY KEY);
--- rows
INSERT INTO codes VALUES ('b'), ('A');
--- up
ALTER TABLE codes ALTER COLUMN code TYPE varchar(20) COLLATE "C";
--- down
ALTER TABLE codes ALTER COLUMN code TYPE text;
