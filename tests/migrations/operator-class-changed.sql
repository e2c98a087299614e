-- Made again for the same type, but no longer its default, and in another order.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: operator class public.by_size USING btree changed: default, operators, functions
--- before
CREATE TYPE size AS ENUM ('s', 'm', 'l');
CREATE OPERATOR FAMILY sizes USING btree;
CREATE FUNCTION compare(size, size) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT enum_cmp($1, $2)';
CREATE FUNCTION compare_down(size, size) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT enum_cmp($2, $1)';
CREATE FUNCTION below(size, size) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE FUNCTION above(size, size) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > $2';
CREATE OPERATOR <<< (LEFTARG = size, RIGHTARG = size, FUNCTION = below);
CREATE OPERATOR >>> (LEFTARG = size, RIGHTARG = size, FUNCTION = above);
CREATE OPERATOR CLASS by_size DEFAULT FOR TYPE size USING btree FAMILY sizes AS OPERATOR 1 <<<, OPERATOR 5 >>>, FUNCTION 1 compare(size, size);
--- up
DROP OPERATOR CLASS by_size USING btree;
--- down
CREATE OPERATOR CLASS by_size FOR TYPE size USING btree FAMILY sizes AS OPERATOR 1 >>>, OPERATOR 5 <<<, FUNCTION 1 compare_down(size, size);
