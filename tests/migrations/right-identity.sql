-- A counter that is added to a table with rows, and taken away again.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE stamps (code text PRIMARY KEY);
--- rows
INSERT INTO stamps VALUES ('b'), ('a');
--- up
ALTER TABLE stamps ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE stamps ADD CONSTRAINT stamps_number UNIQUE (number);
--- down
ALTER TABLE stamps DROP COLUMN number;
