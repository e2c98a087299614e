-- CREATE OR REPLACE VIEW without the option takes it away.
-- verdict: NOT_RESTORED
-- triage: review
-- differs: view public.my_salary changed: options
--- before
CREATE TABLE salaries (id int PRIMARY KEY, person text, amount int);
CREATE VIEW my_salary WITH (security_barrier) AS SELECT amount FROM salaries WHERE person = current_user;
--- up
CREATE OR REPLACE VIEW my_salary WITH (security_barrier) AS SELECT amount * 2 AS amount FROM salaries WHERE person = current_user;
--- down
CREATE OR REPLACE VIEW my_salary AS SELECT amount FROM salaries WHERE person = current_user;
