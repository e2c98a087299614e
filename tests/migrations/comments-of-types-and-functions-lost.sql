-- Dropped to be defined otherwise, and made again.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: aggregate public.product(integer) changed: comment
-- differs: cast (public.mood AS integer) changed: comment
-- differs: collation public.bytes changed: comment
-- differs: composite type public.pair changed: comment
-- differs: domain public.price changed: comment
-- differs: enum public.mood changed: comment
-- differs: function public.twice(integer) changed: comment
-- differs: operator public.===(integer,integer) changed: comment
-- differs: operator class public.by_hand USING gist changed: comment
-- differs: operator family public.by_hand USING gist changed: comment
-- differs: procedure public.tidy() changed: comment
-- differs: range public.span changed: comment
-- differs: schema shop changed: comment
-- differs: type public.shell changed: comment
--- before
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN price AS int;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE shell;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int);
CREATE CAST (mood AS int) WITH INOUT;
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR CLASS by_hand FOR TYPE polygon USING gist AS OPERATOR 3 &&;
CREATE COLLATION bytes (locale = 'C');
COMMENT ON SCHEMA shop IS 'x';
COMMENT ON TYPE mood IS 'x';
COMMENT ON DOMAIN price IS 'x';
COMMENT ON TYPE pair IS 'x';
COMMENT ON TYPE span IS 'x';
COMMENT ON TYPE shell IS 'x';
COMMENT ON FUNCTION twice(int) IS 'x';
COMMENT ON PROCEDURE tidy() IS 'x';
COMMENT ON AGGREGATE product(int) IS 'x';
COMMENT ON CAST (mood AS int) IS 'x';
COMMENT ON OPERATOR === (int, int) IS 'x';
COMMENT ON OPERATOR CLASS by_hand USING gist IS 'x';
COMMENT ON OPERATOR FAMILY by_hand USING gist IS 'x';
COMMENT ON COLLATION bytes IS 'x';
--- up
DROP SCHEMA shop;
DROP TYPE mood CASCADE;
DROP DOMAIN price;
DROP TYPE pair, span, shell;
DROP FUNCTION twice(int);
DROP PROCEDURE tidy();
DROP AGGREGATE product(int);
DROP OPERATOR === (int, int);
DROP OPERATOR FAMILY by_hand USING gist CASCADE;
DROP COLLATION bytes;
--- down
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN price AS int;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE shell;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int);
CREATE CAST (mood AS int) WITH INOUT;
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR CLASS by_hand FOR TYPE polygon USING gist AS OPERATOR 3 &&;
CREATE COLLATION bytes (locale = 'C');
