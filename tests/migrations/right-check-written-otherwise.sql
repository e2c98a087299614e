-- IN (…) and = ANY (…) are one expression.
-- verdict: RESTORED
-- triage: review
--- before
CREATE TABLE lights (id int PRIMARY KEY, state text, CONSTRAINT lights_state CHECK (state IN ('on', 'off')));
--- rows
INSERT INTO lights VALUES (1, 'on'), (2, 'off'), (3, NULL);
--- up
ALTER TABLE lights DROP CONSTRAINT lights_state;
ALTER TABLE lights ADD CONSTRAINT lights_state CHECK (state IN ('on', 'off', 'broken'));
--- down
ALTER TABLE lights DROP CONSTRAINT lights_state;
ALTER TABLE lights ADD CONSTRAINT lights_state CHECK ((state)::text = ANY (ARRAY['on'::text, 'off'::text]));
