-- Made again without the functions that do its work.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: foreign-data wrapper files changed: handler, validator, options
--- before
CREATE EXTENSION file_fdw;
CREATE FOREIGN DATA WRAPPER files HANDLER file_fdw_handler VALIDATOR file_fdw_validator;
--- up
DROP FOREIGN DATA WRAPPER files;
--- down
CREATE FOREIGN DATA WRAPPER files OPTIONS (debug 'true');
