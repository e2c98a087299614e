-- An index of this method is another one now.
-- verdict: NOT_RESTORED
-- triage: breaking
-- differs: access method pair_tree changed: type, handler
--- before
CREATE ACCESS METHOD pair_tree TYPE INDEX HANDLER bthandler;
--- up
DROP ACCESS METHOD pair_tree;
--- down
CREATE ACCESS METHOD pair_tree TYPE TABLE HANDLER heap_tableam_handler;
