-- With the privileges that the new owner had.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE items (id int PRIMARY KEY);
CREATE VIEW stock AS SELECT id FROM items;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE TYPE mood AS ENUM ('sad', 'glad');
GRANT SELECT ON items TO pair_reader;
--- up
ALTER TABLE items OWNER TO pair_writer;
ALTER VIEW stock OWNER TO pair_writer;
ALTER FUNCTION twice(int) OWNER TO pair_writer;
ALTER TYPE mood OWNER TO pair_writer;
--- down
ALTER TABLE items OWNER TO postgres;
ALTER VIEW stock OWNER TO postgres;
ALTER FUNCTION twice(int) OWNER TO postgres;
ALTER TYPE mood OWNER TO postgres;
