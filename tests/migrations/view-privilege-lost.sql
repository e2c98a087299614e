-- DROP VIEW and CREATE VIEW: whoever read it can't any more.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: view public.shown_prices changed: privileges
--- before
CREATE TABLE prices (id int PRIMARY KEY, net numeric, hidden boolean);
CREATE VIEW shown_prices AS SELECT id, net FROM prices WHERE NOT hidden;
GRANT SELECT ON shown_prices TO pair_reader;
--- up
DROP VIEW shown_prices;
CREATE VIEW shown_prices AS SELECT id, net, net * 1.25 AS gross FROM prices WHERE NOT hidden;
GRANT SELECT ON shown_prices TO pair_reader;
--- down
DROP VIEW shown_prices;
CREATE VIEW shown_prices AS SELECT id, net FROM prices WHERE NOT hidden;
