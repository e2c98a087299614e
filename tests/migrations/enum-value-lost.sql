-- The type is made anew from a list that lacks a value.
-- verdict: NOT_RESTORED
-- triage: additive
-- differs: enum public.channel changed: labels
--- before
CREATE TYPE channel AS ENUM ('mail', 'phone', 'chat');
CREATE TABLE contacts (id int PRIMARY KEY, via channel);
--- rows
INSERT INTO contacts VALUES (1, 'mail'), (2, NULL);
--- up
ALTER TYPE channel RENAME TO channel_old;
CREATE TYPE channel AS ENUM ('mail', 'phone', 'chat', 'letter');
ALTER TABLE contacts ALTER COLUMN via TYPE channel USING via::text::channel;
DROP TYPE channel_old;
--- down
ALTER TYPE channel RENAME TO channel_old;
CREATE TYPE channel AS ENUM ('mail', 'phone');
ALTER TABLE contacts ALTER COLUMN via TYPE channel USING via::text::channel;
DROP TYPE channel_old;
