-- Made for an index; the index goes, the configuration stays.
-- verdict: FAILS
-- triage: additive
-- reason: duplicate key value violates unique constraint "pg_ts_config_cfgname_index"
-- differs: text search configuration public.kitchen added
--- before
CREATE TABLE recipes (id int PRIMARY KEY, body text);
--- up
CREATE TEXT SEARCH CONFIGURATION kitchen (COPY = simple);
CREATE INDEX recipes_words ON recipes USING gin (to_tsvector('kitchen', body));
--- down
DROP INDEX recipes_words;
