-- ON CONFLICT ON CONSTRAINT needs the constraint, not only its index.
-- verdict: FAILS
-- triage: review
-- reason: constraint "tags_word_key" of relation "tags" does not exist
-- differs: constraint public.tags.tags_word_key removed
-- differs: index public.tags_word_key added
--- before
CREATE TABLE tags (id int PRIMARY KEY, word text NOT NULL, CONSTRAINT tags_word_key UNIQUE (word));
--- up
ALTER TABLE tags DROP CONSTRAINT tags_word_key;
--- down
CREATE UNIQUE INDEX tags_word_key ON tags (word);
