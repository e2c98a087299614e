-- It accepts every word now.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: text search dictionary public.known changed: options
--- before
CREATE TEXT SEARCH DICTIONARY known (TEMPLATE = simple, Accept = false);
--- up
ALTER TEXT SEARCH DICTIONARY known (Accept = true);
CREATE TABLE articles (id int PRIMARY KEY, text text);
--- down
DROP TABLE articles;
