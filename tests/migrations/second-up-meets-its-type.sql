-- DROP TABLE leaves the enum that was made for it: the way up works once.
-- verdict: FAILS
-- triage: additive
-- reason: type "phase" already exists
-- differs: enum public.phase added
--- before
CREATE TABLE projects (id int PRIMARY KEY);
--- up
CREATE TYPE phase AS ENUM ('plan', 'build');
CREATE TABLE phases (project int REFERENCES projects, phase phase);
--- down
DROP TABLE phases;
