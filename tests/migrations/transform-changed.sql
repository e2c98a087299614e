-- One direction is left.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: transform for integer language sql changed: from sql, to sql
--- before
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
--- up
DROP TRANSFORM FOR int LANGUAGE sql;
--- down
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION varchar_support(internal));
