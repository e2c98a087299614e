-- Copied from the migration before: it refers to the wrong table.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: constraint public.deals.deals_seller changed: definition
--- before
CREATE TABLE buyers (id int PRIMARY KEY);
CREATE TABLE sellers (id int PRIMARY KEY);
CREATE TABLE deals (id int PRIMARY KEY, seller int CONSTRAINT deals_seller REFERENCES sellers);
--- up
ALTER TABLE deals DROP CONSTRAINT deals_seller;
--- down
ALTER TABLE deals ADD CONSTRAINT deals_seller FOREIGN KEY (seller) REFERENCES buyers;
