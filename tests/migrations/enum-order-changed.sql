-- All values are there; ORDER BY and < see others.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: enum public.size changed: labels
--- before
CREATE TYPE size AS ENUM ('small', 'medium', 'large');
CREATE TABLE cups (id int PRIMARY KEY, size size NOT NULL);
--- rows
INSERT INTO cups VALUES (1, 'small'), (2, 'large');
--- up
ALTER TABLE cups ALTER COLUMN size TYPE text;
DROP TYPE size;
--- down
CREATE TYPE size AS ENUM ('large', 'medium', 'small');
ALTER TABLE cups ALTER COLUMN size TYPE size USING size::size;
