-- Numbers are no longer found.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: text search configuration public.words changed: mappings
--- before
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
--- up
ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING IF EXISTS FOR int, uint, float;
CREATE TABLE articles (id int PRIMARY KEY, text text);
--- down
DROP TABLE articles;
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR int, uint WITH simple;
