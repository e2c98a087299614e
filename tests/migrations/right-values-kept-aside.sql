-- The values before stand in a table until the way down needs them.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE urls (id int PRIMARY KEY, url text);
--- rows
INSERT INTO urls VALUES (1, 'http://X.test/A'), (2, NULL);
--- up
CREATE TABLE urls_before AS SELECT id, url FROM urls;
UPDATE urls SET url = replace(lower(url), 'http:', 'https:');
--- down
UPDATE urls SET url = b.url FROM urls_before b WHERE b.id = urls.id;
DROP TABLE urls_before;
