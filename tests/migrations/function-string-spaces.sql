-- White space within a string is no white space of the code.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: function public.greeting() changed: definition
--- before
CREATE FUNCTION greeting() RETURNS text LANGUAGE sql AS $$ SELECT 'good  day' $$;
--- up
CREATE OR REPLACE FUNCTION greeting() RETURNS text LANGUAGE sql AS $$ SELECT 'hello' $$;
--- down
CREATE OR REPLACE FUNCTION greeting() RETURNS text LANGUAGE sql AS $$ SELECT 'good day' $$;
