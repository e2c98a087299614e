-- A placeholder in the history: the down does nothing, and there is nothing to do.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE places_held (id int PRIMARY KEY);
--- up
SELECT 1;
--- down
SELECT 1;
