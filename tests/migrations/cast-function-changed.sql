-- By the text of the value instead of the function that was written for it.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: cast (public.state AS integer) changed: function, method
--- before
CREATE TYPE state AS ENUM ('1', '2');
CREATE FUNCTION number(state) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10 * $1::text::int';
CREATE CAST (state AS int) WITH FUNCTION number(state);
--- up
DROP CAST (state AS int);
--- down
CREATE CAST (state AS int) WITH INOUT;
