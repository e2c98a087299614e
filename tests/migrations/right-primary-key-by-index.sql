-- A key taken over from an index that was made before it.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE nodes (id int NOT NULL, CONSTRAINT nodes_pkey PRIMARY KEY (id));
--- rows
INSERT INTO nodes VALUES (1), (2);
--- up
CREATE UNIQUE INDEX nodes_new ON nodes (id);
ALTER TABLE nodes DROP CONSTRAINT nodes_pkey;
ALTER TABLE nodes ADD CONSTRAINT nodes_key PRIMARY KEY USING INDEX nodes_new;
--- down
ALTER TABLE nodes DROP CONSTRAINT nodes_key;
ALTER TABLE nodes ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);
