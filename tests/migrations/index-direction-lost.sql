-- NULLS LAST and DESC are part of what a page's ORDER BY can use.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: index public.news_newest changed: definition
--- before
CREATE TABLE news (id int PRIMARY KEY, at timestamptz);
CREATE INDEX news_newest ON news (at DESC NULLS LAST);
--- up
DROP INDEX news_newest;
--- down
CREATE INDEX news_newest ON news (at);
