-- GRANT was written for every kind, REVOKE for none.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: domain public.price changed: privileges
-- differs: enum public.mood changed: privileges
-- differs: foreign server far changed: privileges
-- differs: foreign table public.far_items changed: privileges
-- differs: foreign-data wrapper nowhere changed: privileges
-- differs: language pair_language changed: privileges
-- differs: materialized view public.totals changed: privileges
-- differs: procedure public.tidy() changed: privileges
-- differs: schema shop changed: privileges
-- differs: sequence public.numbers changed: privileges
-- differs: view public.stock changed: privileges
--- before
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN price AS int;
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far_items (id int) SERVER far;
CREATE TRUSTED LANGUAGE pair_language HANDLER plpgsql_call_handler;
CREATE SEQUENCE numbers;
CREATE VIEW stock AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW totals AS SELECT 1 AS number;
--- up
GRANT USAGE ON SCHEMA shop TO pair_reader;
GRANT USAGE ON TYPE mood TO pair_reader;
GRANT USAGE ON DOMAIN price TO pair_reader;
GRANT EXECUTE ON PROCEDURE tidy() TO pair_reader;
GRANT USAGE ON FOREIGN DATA WRAPPER nowhere TO pair_reader;
GRANT USAGE ON FOREIGN SERVER far TO pair_reader;
GRANT SELECT ON far_items TO pair_reader;
GRANT USAGE ON LANGUAGE pair_language TO pair_reader;
GRANT USAGE ON SEQUENCE numbers TO pair_reader;
GRANT SELECT ON stock, totals TO pair_reader;
CREATE TABLE notes (id int);
--- down
DROP TABLE notes;
