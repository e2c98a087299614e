-- Afterwards the catalogs name the owner's privileges, which were understood before.
-- verdict: RESTORED
-- triage: additive
--- before
CREATE TABLE drafts (id int PRIMARY KEY, text text);
CREATE FUNCTION publish() RETURNS void LANGUAGE sql AS 'SELECT';
--- up
GRANT SELECT ON drafts TO pair_reader;
GRANT UPDATE (text) ON drafts TO pair_writer;
GRANT EXECUTE ON FUNCTION publish() TO pair_writer;
--- down
REVOKE SELECT ON drafts FROM pair_reader;
REVOKE UPDATE (text) ON drafts FROM pair_writer;
REVOKE EXECUTE ON FUNCTION publish() FROM pair_writer;
