-- plpgsql with everything that splits badly at semicolons.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE words (id int PRIMARY KEY, word text);
--- rows
INSERT INTO words VALUES (1, 'semi;colon'), (2, '$$');
--- up
DO $do$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'words_word') THEN
    EXECUTE 'CREATE INDEX words_word ON words (word); -- DROP TABLE words;';
  END IF;
END $do$;
/* DROP TABLE words; */
--- down
DROP INDEX words_word; -- not: DROP TABLE words;
