-- Goes well on empty tables: only rows show that NOT NULL can't come back.
-- verdict: FAILS
-- triage: review
-- reason: contains null values
-- empty: RESTORED
--- before
CREATE TABLE callers (id int PRIMARY KEY, phone text NOT NULL);
--- rows
INSERT INTO callers VALUES (1, '0123'), (2, '');
--- up
ALTER TABLE callers ALTER COLUMN phone DROP NOT NULL;
UPDATE callers SET phone = NULL WHERE id % 2 = 0;
--- down
ALTER TABLE callers ALTER COLUMN phone SET NOT NULL;
