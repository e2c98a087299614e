-- The first one that knows a word decides.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: text search configuration public.words changed: mappings
--- before
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION words ALTER MAPPING FOR asciiword WITH english_stem, simple;
--- up
ALTER TEXT SEARCH CONFIGURATION words ALTER MAPPING FOR asciiword WITH simple;
--- down
ALTER TEXT SEARCH CONFIGURATION words ALTER MAPPING FOR asciiword WITH simple, english_stem;
