-- Its columns have properties of their own, which its definition doesn't show.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: column public.words.text removed
--- before
CREATE TABLE books (id int PRIMARY KEY, text text);
CREATE MATERIALIZED VIEW words AS SELECT text FROM books;
ALTER MATERIALIZED VIEW words ALTER COLUMN text SET STATISTICS 1000;
--- up
DROP MATERIALIZED VIEW words;
--- down
CREATE MATERIALIZED VIEW words AS SELECT text FROM books;
