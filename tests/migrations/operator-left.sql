-- An operator and a cast of one's own stay behind.
-- verdict: FAILS
-- triage: review
-- reason: operator <~> already exists
-- differs: cast (public.point2 AS character varying) added
-- differs: operator public.<~>(public.point2,public.point2) added
--- before
CREATE TYPE point2 AS (x int, y int);
CREATE FUNCTION near(a point2, b point2) RETURNS boolean LANGUAGE sql AS 'SELECT (a).x = (b).x';
CREATE FUNCTION as_words(a point2) RETURNS varchar LANGUAGE sql AS $$ SELECT (a).x || ', ' || (a).y $$;
--- up
CREATE OPERATOR <~> (leftarg = point2, rightarg = point2, function = near);
CREATE CAST (point2 AS varchar) WITH FUNCTION as_words(point2);
CREATE TABLE spots (at point2);
--- down
DROP TABLE spots;
