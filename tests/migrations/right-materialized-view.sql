-- Made anew with its index, and filled.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE rides (id int PRIMARY KEY, line int, people int);
CREATE MATERIALIZED VIEW rides_by_line AS SELECT line, sum(people) AS people FROM rides GROUP BY line;
CREATE UNIQUE INDEX rides_by_line_key ON rides_by_line (line);
--- rows
INSERT INTO rides VALUES (1, 11, 20), (2, 12, 30);
REFRESH MATERIALIZED VIEW rides_by_line;
--- up
DROP MATERIALIZED VIEW rides_by_line;
--- down
CREATE MATERIALIZED VIEW rides_by_line AS SELECT line, sum(people) AS people FROM rides GROUP BY line WITH NO DATA;
CREATE UNIQUE INDEX rides_by_line_key ON rides_by_line (line);
REFRESH MATERIALIZED VIEW rides_by_line;
