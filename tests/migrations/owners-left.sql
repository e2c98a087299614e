-- REASSIGN OWNED has no way back but a list.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: aggregate public.product(integer) changed: owner
-- differs: collation public.bytes changed: owner
-- differs: composite type public.pair changed: owner
-- differs: conversion public.pair_latin changed: owner
-- differs: domain public.price changed: owner
-- differs: enum public.mood changed: owner
-- differs: foreign server far changed: owner
-- differs: foreign table public.far_items changed: owner
-- differs: function public.twice(integer) changed: owner
-- differs: language pair_language changed: owner
-- differs: materialized view public.totals changed: owner
-- differs: operator public.===(integer,integer) changed: owner
-- differs: operator class public.by_hand USING gist changed: owner
-- differs: operator family public.by_hand USING gist changed: owner
-- differs: procedure public.tidy() changed: owner
-- differs: publication pair_news changed: owner
-- differs: range public.span changed: owner
-- differs: schema shop changed: owner
-- differs: sequence public.numbers changed: owner
-- differs: statistics public.items_both changed: owner
-- differs: table public.items changed: owner
-- differs: text search configuration public.pair_words changed: owner
-- differs: text search dictionary public.pair_known changed: owner
-- differs: view public.stock changed: owner
--- before
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN price AS int;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR CLASS by_hand FOR TYPE polygon USING gist AS OPERATOR 3 &&;
CREATE COLLATION bytes (locale = 'C');
CREATE CONVERSION pair_latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far_items (id int) SERVER far;
CREATE LANGUAGE pair_language HANDLER plpgsql_call_handler;
CREATE TABLE items (id int PRIMARY KEY, name text, price int);
CREATE STATISTICS items_both (dependencies) ON name, price FROM items;
CREATE VIEW stock AS SELECT id FROM items;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS number FROM items;
CREATE SEQUENCE numbers;
CREATE PUBLICATION pair_news;
CREATE TEXT SEARCH DICTIONARY pair_known (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION pair_words (PARSER = "default");
--- up
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO pair_writer', current_database()); END $$;
ALTER SCHEMA shop OWNER TO pair_writer;
ALTER TYPE mood OWNER TO pair_writer;
ALTER DOMAIN price OWNER TO pair_writer;
ALTER TYPE pair OWNER TO pair_writer;
ALTER TYPE span OWNER TO pair_writer;
ALTER FUNCTION twice(int) OWNER TO pair_writer;
ALTER PROCEDURE tidy() OWNER TO pair_writer;
ALTER AGGREGATE product(int) OWNER TO pair_writer;
ALTER OPERATOR === (int, int) OWNER TO pair_writer;
ALTER OPERATOR CLASS by_hand USING gist OWNER TO pair_writer;
ALTER OPERATOR FAMILY by_hand USING gist OWNER TO pair_writer;
ALTER COLLATION bytes OWNER TO pair_writer;
ALTER CONVERSION pair_latin OWNER TO pair_writer;
ALTER SERVER far OWNER TO pair_writer;
ALTER FOREIGN TABLE far_items OWNER TO pair_writer;
ALTER LANGUAGE pair_language OWNER TO pair_writer;
ALTER TABLE items OWNER TO pair_writer;
ALTER STATISTICS items_both OWNER TO pair_writer;
ALTER VIEW stock OWNER TO pair_writer;
ALTER MATERIALIZED VIEW totals OWNER TO pair_writer;
ALTER SEQUENCE numbers OWNER TO pair_writer;
ALTER PUBLICATION pair_news OWNER TO pair_writer;
ALTER TEXT SEARCH DICTIONARY pair_known OWNER TO pair_writer;
ALTER TEXT SEARCH CONFIGURATION pair_words OWNER TO pair_writer;
--- down
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM pair_writer', current_database()); END $$;
