"""Scripts are cut into statements where psql would cut them."""

from __future__ import annotations

import pytest

from shipway.drivers.scratch.statements import split


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("", []),
        (" -- nothing\n/* at ; all */ ;;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\n\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', 'it''s;', E'\\';', \";\";SELECT 2", ["SELECT ';', 'it''s;', E'\\';', \";\"", "SELECT 2"]),
        ("SELECT '\\'; SELECT 2", ["SELECT '\\'", "SELECT 2"]),
        ("DO $$ BEGIN x; END $$; SELECT 2", ["DO $$ BEGIN x; END $$", "SELECT 2"]),
        ("DO $a$ ; $b$ ; $$ ; $a$; SELECT $1", ["DO $a$ ; $b$ ; $$ ; $a$", "SELECT $1"]),
        ("SELECT a$b$ FROM c; SELECT d$b$", ["SELECT a$b$ FROM c", "SELECT d$b$"]),
        ("SELECT 1 -- a; 'b\n; SELECT 2", ["SELECT 1 -- a; 'b", "SELECT 2"]),
        ("SELECT /* ; /* ; */ ; */ 1; SELECT 2", ["SELECT /* ; /* ; */ ; */ 1", "SELECT 2"]),
        ("CREATE RULE r AS ON DELETE TO t DO (DELETE FROM a; DELETE FROM b); SELECT 2", ["CREATE RULE r AS ON DELETE TO t DO (DELETE FROM a; DELETE FROM b)", "SELECT 2"]),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
            ["CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"],
        ),
        ("BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
        ("SELECT 'unclosed ; ", ["SELECT 'unclosed ;"]),
        ("DO $$ unclosed ; ", ["DO $$ unclosed ;"]),
        ("-- first\nSELECT 1; -- last\n", ["-- first\nSELECT 1"]),
    ],
)  # fmt: skip
def test_split(script: str, parts: list[str]) -> None:
    assert list(split(script)) == parts
