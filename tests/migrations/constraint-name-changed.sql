-- The key is back under the name that PostgreSQL made up; the next migration drops it by the old one.
-- verdict: FAILS
-- triage: review
-- reason: constraint "pk_wishes" of relation "wishes" does not exist
-- differs: constraint public.wishes.pk_wishes removed
-- differs: constraint public.wishes.wishes_pkey added
--- before
CREATE TABLE wishes (person int NOT NULL, item int NOT NULL, CONSTRAINT pk_wishes PRIMARY KEY (person, item));
--- rows
INSERT INTO wishes VALUES (1, 1), (1, 2), (2, 1);
--- up
ALTER TABLE wishes DROP CONSTRAINT pk_wishes;
ALTER TABLE wishes ADD COLUMN id bigserial PRIMARY KEY;
--- down
ALTER TABLE wishes DROP COLUMN id;
ALTER TABLE wishes ADD PRIMARY KEY (person, item);
