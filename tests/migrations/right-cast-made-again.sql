-- With its type.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TYPE state AS ENUM ('1', '2');
CREATE FUNCTION number(state) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10 * $1::text::int';
CREATE CAST (state AS int) WITH FUNCTION number(state) AS ASSIGNMENT;
--- up
DROP TYPE state CASCADE;
--- down
CREATE TYPE state AS ENUM ('1', '2');
CREATE FUNCTION number(state) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10 * $1::text::int';
CREATE CAST (state AS int) WITH FUNCTION number(state) AS ASSIGNMENT;
