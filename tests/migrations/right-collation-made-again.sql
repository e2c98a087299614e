-- Collations have versions of the library, which are not compared.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE names (name text COLLATE any_case);
--- up
DROP TABLE names;
DROP COLLATION any_case;
--- down
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE names (name text COLLATE any_case);
