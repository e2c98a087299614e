-- The body that the down migration restores has lost a comment and its line breaks.
-- verdict: COSMETIC
-- triage: review
-- reason: the code of function public.total() differs in white space, comments or the order of settings
--- before
CREATE FUNCTION total() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  -- all of them
  RETURN 1 + 2;
END $$;
--- up
CREATE OR REPLACE FUNCTION total() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 4; END $$;
--- down
CREATE OR REPLACE FUNCTION total() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1 + 2 ; END $$;
