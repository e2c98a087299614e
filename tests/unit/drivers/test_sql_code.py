"""Functions that differ only in white space and comments, and those that differ in more."""

from __future__ import annotations

import pytest

from shipway.drivers.scratch.sql_code import same_function

HEAD = "CREATE OR REPLACE FUNCTION public.f()\n RETURNS text\n LANGUAGE {language}\nAS $function${body}$function$\n"


def define(body: str, language: str = "plpgsql") -> str:
    return HEAD.format(body=body, language=language)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("BEGIN RETURN 1; END", "BEGIN\n\tRETURN 1 ;\nEND"),
        ("BEGIN RETURN 1; END", "BEGIN RETURN /* one */ 1; -- done\nEND"),
        ("SELECT a+1", "SELECT a + 1"),
        ("SELECT a --x\n+1", "SELECT a +1"),
        ("SELECT a --x\r+1", "SELECT a +1"),
        ("SELECT 'it''s  so'", "SELECT  'it''s  so'"),
    ],
)
def test_the_same(before: str, after: str) -> None:
    assert same_function(define(before), define(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT 'a  b'", "SELECT 'a b'"),
        ("SELECT '--a'", "SELECT '--b'"),
        ("SELECT a --x\r+1", "SELECT a --x +1"),
        ('SELECT "a  b"', 'SELECT "a b"'),
        ("SELECT $q$a  b$q$", "SELECT $q$a b$q$"),
        ("SELECT $$a  b$$", "SELECT $$a b$$"),
        ("SELECT E'\\'a  b'", "SELECT E'\\'a b'"),
        ("SELECT a <= b", "SELECT a < = b"),
        ("SELECT ab", "SELECT a b"),
        ("SELECT /*+ IndexScan(a) */ 1", "SELECT /*+ SeqScan(a) */ 1"),
        ("SELECT /* a /* b */ c */ 1", "SELECT /* a /* b */ d */ 1"),
        ("SELECT 1", "SELECT 2"),
    ],
)
def test_not_the_same(before: str, after: str) -> None:
    assert not same_function(define(before), define(after))


def test_other_languages_and_heads() -> None:
    assert not same_function(define("if a:\n  b", "plpython3u"), define("if a:\n b", "plpython3u"))
    assert not same_function(define("SELECT 1", "sql"), define("SELECT  1", "plpgsql"))
    assert not same_function(define("SELECT 1"), define("SELECT  1").replace("text", "integer"))
    assert not same_function("", define("SELECT 1"))
