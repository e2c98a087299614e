-- With all its mappings, in another order.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TEXT SEARCH DICTIONARY known (TEMPLATE = simple, Accept = false);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word, asciiword WITH known, simple;
--- up
DROP TEXT SEARCH CONFIGURATION words;
DROP TEXT SEARCH DICTIONARY known;
--- down
CREATE TEXT SEARCH DICTIONARY known (TEMPLATE = simple, Accept = false);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword WITH known, simple;
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word WITH known, simple;
