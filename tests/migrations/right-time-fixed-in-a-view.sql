-- PostgreSQL writes the time at which a view is created into its definition: no down migration can restore it.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE VIEW launched AS SELECT 'now'::timestamp AS at, 1 AS one;
--- up
DROP VIEW launched;
--- down
CREATE VIEW launched AS SELECT 'now'::timestamp AS at, 1 AS one;
