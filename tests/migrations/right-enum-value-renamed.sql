-- There and back.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TYPE answer AS ENUM ('yes', 'no');
CREATE TABLE answers (id int PRIMARY KEY, answer answer);
--- rows
INSERT INTO answers VALUES (1, 'yes'), (2, NULL);
--- up
ALTER TYPE answer RENAME VALUE 'no' TO 'never';
--- down
ALTER TYPE answer RENAME VALUE 'never' TO 'no';
