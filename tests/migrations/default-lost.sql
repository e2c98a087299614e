-- The down takes the default away, where there was another one before.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: column public.articles.state changed: default
--- before
CREATE TABLE articles (id serial PRIMARY KEY, title text NOT NULL, state text NOT NULL DEFAULT 'draft');
--- rows
INSERT INTO articles (title, state) VALUES ('Snow', 'draft'), ('Rain', 'shown');
--- up
ALTER TABLE articles ALTER COLUMN state SET DEFAULT 'review';
--- down
ALTER TABLE articles ALTER COLUMN state DROP DEFAULT;
