-- The new key goes, the old one doesn't come.
-- verdict: FAILS
-- triage: review
-- reason: constraint "likes_pkey" of relation "likes" does not exist
-- differs: constraint public.likes.likes_pkey removed
--- before
CREATE TABLE likes (person int, post int, PRIMARY KEY (person, post));
--- rows
INSERT INTO likes VALUES (1, 10), (2, 10);
--- up
ALTER TABLE likes DROP CONSTRAINT likes_pkey;
ALTER TABLE likes ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
--- down
ALTER TABLE likes DROP COLUMN id;
