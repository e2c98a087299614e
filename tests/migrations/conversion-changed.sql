-- Between the same encodings in the other direction.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: conversion public.pair_latin changed: encodings, function, default
--- before
CREATE DEFAULT CONVERSION pair_latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
--- up
DROP CONVERSION pair_latin;
--- down
CREATE CONVERSION pair_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
