-- DROP TRIGGER leaves the function.
-- verdict: FAILS
-- triage: review
-- reason: function "count_votes" already exists
-- differs: function public.count_votes() added
--- before
CREATE TABLE votes (id int PRIMARY KEY);
--- up
CREATE FUNCTION count_votes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER votes_count AFTER INSERT ON votes FOR EACH ROW EXECUTE FUNCTION count_votes();
--- down
DROP TRIGGER votes_count ON votes;
