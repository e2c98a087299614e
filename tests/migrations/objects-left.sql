-- The down drops the table, and nothing of what was made for it.
-- verdict: FAILS
-- triage: additive
-- reason: type "pair" already exists
-- differs: access method pair_heap added
-- differs: collation public.bytes added
-- differs: column public.far_items.id added
-- differs: composite type public.pair added
-- differs: conversion public.pair_latin added
-- differs: domain public.price added
-- differs: foreign server far added
-- differs: foreign table public.far_items added
-- differs: foreign-data wrapper nowhere added
-- differs: language pair_language added
-- differs: materialized view public.totals added
-- differs: operator class public.by_hand USING gist added
-- differs: operator family public.by_hand USING gist added
-- differs: range public.span added
-- differs: sequence public.numbers added
-- differs: text search configuration public.words added
-- differs: text search dictionary public.known added
-- differs: text search parser public.pair_parser added
-- differs: text search template public.pair_template added
-- differs: transform for integer language sql added
-- differs: type public.shell added
--- before
CREATE TABLE items (id int PRIMARY KEY);
--- up
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE shell;
CREATE DOMAIN price AS int;
CREATE SEQUENCE numbers;
CREATE ACCESS METHOD pair_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE COLLATION bytes (locale = 'C');
CREATE CONVERSION pair_latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far_items (id int) SERVER far;
CREATE TRUSTED LANGUAGE pair_language HANDLER plpgsql_call_handler;
CREATE OPERATOR CLASS by_hand FOR TYPE polygon USING gist AS OPERATOR 3 &&;
CREATE TEXT SEARCH PARSER pair_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE pair_template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY known (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE MATERIALIZED VIEW totals AS SELECT 1 AS number;
CREATE TABLE charts (id int);
--- down
DROP TABLE charts;
