-- Every kind of object can have one.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: access method pair_heap changed: comment
-- differs: conversion public.pair_latin changed: comment
-- differs: event trigger pair_note changed: comment
-- differs: foreign server far changed: comment
-- differs: foreign-data wrapper nowhere changed: comment
-- differs: language pair_language changed: comment
-- differs: publication pair_news changed: comment
-- differs: text search configuration public.pair_words changed: comment
-- differs: text search dictionary public.pair_known changed: comment
-- differs: text search parser public.pair_parser changed: comment
-- differs: text search template public.pair_template changed: comment
-- differs: transform for integer language sql changed: comment
--- before
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE ACCESS METHOD pair_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE CONVERSION pair_latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE EVENT TRIGGER pair_note ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION note();
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE LANGUAGE pair_language HANDLER plpgsql_call_handler;
CREATE PUBLICATION pair_news;
CREATE TEXT SEARCH PARSER pair_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE pair_template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY pair_known (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION pair_words (PARSER = "default");
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
COMMENT ON ACCESS METHOD pair_heap IS 'x';
COMMENT ON CONVERSION pair_latin IS 'x';
COMMENT ON EVENT TRIGGER pair_note IS 'x';
COMMENT ON FOREIGN DATA WRAPPER nowhere IS 'x';
COMMENT ON SERVER far IS 'x';
COMMENT ON LANGUAGE pair_language IS 'x';
COMMENT ON PUBLICATION pair_news IS 'x';
COMMENT ON TEXT SEARCH PARSER pair_parser IS 'x';
COMMENT ON TEXT SEARCH TEMPLATE pair_template IS 'x';
COMMENT ON TEXT SEARCH DICTIONARY pair_known IS 'x';
COMMENT ON TEXT SEARCH CONFIGURATION pair_words IS 'x';
COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'x';
--- up
DROP TRANSFORM FOR int LANGUAGE sql;
DROP TEXT SEARCH CONFIGURATION pair_words;
DROP TEXT SEARCH DICTIONARY pair_known;
DROP TEXT SEARCH TEMPLATE pair_template;
DROP TEXT SEARCH PARSER pair_parser;
DROP PUBLICATION pair_news;
DROP LANGUAGE pair_language;
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
DROP EVENT TRIGGER pair_note;
DROP CONVERSION pair_latin;
DROP ACCESS METHOD pair_heap;
--- down
CREATE ACCESS METHOD pair_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE CONVERSION pair_latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE EVENT TRIGGER pair_note ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION note();
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE LANGUAGE pair_language HANDLER plpgsql_call_handler;
CREATE PUBLICATION pair_news;
CREATE TEXT SEARCH PARSER pair_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE pair_template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY pair_known (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION pair_words (PARSER = "default");
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
