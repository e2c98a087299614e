-- Other white space, other case, the same view.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE films (id int PRIMARY KEY, title text, year int);
CREATE VIEW new_films AS SELECT id, title FROM films WHERE year > 2020;
--- up
CREATE OR REPLACE VIEW new_films AS SELECT id, title, year FROM films WHERE year > 2022;
--- down
DROP VIEW new_films;
create view new_films as
  select films.id,
         films.title
  from films
  where films.year > 2020;
