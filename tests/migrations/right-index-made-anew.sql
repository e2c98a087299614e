-- Written otherwise, it is the same index.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE shops (id int PRIMARY KEY, name text NOT NULL, closed boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX shops_name ON shops USING btree (lower(name) ASC NULLS LAST) WHERE (NOT closed);
--- up
DROP INDEX shops_name;
--- down
create unique index shops_name on public.shops (LOWER(name)) where not closed;
