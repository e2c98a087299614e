-- It no longer follows its type.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: table public.accounts changed: of type
--- before
CREATE TYPE account AS (id int, name text);
CREATE TABLE accounts OF account (PRIMARY KEY (id));
--- up
DROP TABLE accounts;
--- down
CREATE TABLE accounts (id int PRIMARY KEY, name text);
