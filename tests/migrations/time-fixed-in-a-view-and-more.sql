-- The time differs by itself, but so does a name.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: view public.launched changed: columns, definition
--- before
CREATE VIEW launched AS SELECT 'now'::timestamp AS at, 1 AS one;
--- up
DROP VIEW launched;
--- down
CREATE VIEW launched AS SELECT 'now'::timestamp AS at, 1 AS two;
