-- REVOKE names one role of two.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: table public.audits changed: privileges
--- before
CREATE TABLE audits (id int PRIMARY KEY, what text);
--- up
GRANT SELECT ON audits TO pair_reader, pair_writer;
--- down
REVOKE SELECT ON audits FROM pair_reader;
