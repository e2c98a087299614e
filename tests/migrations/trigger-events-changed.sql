-- INSERT OR UPDATE became UPDATE.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: trigger public.posts.posts_index changed: definition
--- before
CREATE TABLE posts (id int PRIMARY KEY, body text);
CREATE FUNCTION index_post() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER posts_index BEFORE INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION index_post();
--- up
DROP TRIGGER posts_index ON posts;
--- down
CREATE TRIGGER posts_index BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION index_post();
