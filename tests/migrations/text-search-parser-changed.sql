-- It has no headlines any more; the configuration uses the server's own.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: text search configuration public.words changed: parser, mappings
-- differs: text search parser public.pair_parser changed: functions
--- before
CREATE TEXT SEARCH PARSER pair_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = pair_parser);
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word WITH simple;
--- up
DROP TEXT SEARCH CONFIGURATION words;
DROP TEXT SEARCH PARSER pair_parser;
--- down
CREATE TEXT SEARCH PARSER pair_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
