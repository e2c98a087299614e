-- DROP TABLE IF EXISTS of a name that nobody has: no error, and no effect.
-- verdict: IRREVERSIBLE
-- triage: additive
-- warns: table "newsleter" does not exist, skipping
--- before
CREATE TABLE readers (id int PRIMARY KEY);
--- up
CREATE TABLE newsletter (id int PRIMARY KEY, reader int REFERENCES readers);
--- down
DROP TABLE IF EXISTS newsleter;
