-- No longer trusted, and without blocks.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: language pair_language changed: trusted, handler, inline, validator
--- before
CREATE TRUSTED LANGUAGE pair_language HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION plain_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
--- up
DROP LANGUAGE pair_language;
--- down
CREATE LANGUAGE pair_language HANDLER plain_handler;
