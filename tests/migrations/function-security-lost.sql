-- SECURITY DEFINER and the search path are options that a replacement must repeat.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: function public.key_count() changed: definition
--- before
CREATE TABLE keys (id int PRIMARY KEY, value text);
CREATE FUNCTION key_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT count(*) FROM keys';
--- up
CREATE OR REPLACE FUNCTION key_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT count(id) FROM keys';
--- down
CREATE OR REPLACE FUNCTION key_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM keys';
