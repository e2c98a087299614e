"""Layouts of SQL folders, and the commands that psql is fed by."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
from collections.abc import Sequence

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.sql import SqlFolder
from shipway.drivers.database.sql_client import CLIENTS, Job, read
from shipway.drivers.database.sql_folder import SqlFile, load, order


def versions(*paths: str) -> list[tuple[str, str, str | None]]:
    found = load("db", dict.fromkeys(paths, b"SELECT 1;"))
    return [(item.version, item.name, item.down.path if item.down else None) for item in found]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (
            ["10_c.up.sql", "9_b.up.sql", "9_b.down.sql", "0001_a_b.up.sql", "README.md", "0001_a_b.down.sql"],
            [("0001", "a_b", "0001_a_b.down.sql"), ("9", "b", "9_b.down.sql"), ("10", "c", None)],
        ),
        (["20240105_x.up.sql", "20231231235959_y.up.sql"], [("20240105", "x", None), ("20231231235959", "y", None)]),
        (["1_x.up.sql", "0001_y.down.sql"], [("1", "x", "0001_y.down.sql")]),
        (
            ["2024-01-05-101500_b/up.sql", "00000000000000_diesel/up.sql", "00000000000000_diesel/down.sql"],
            [("00000000000000", "diesel", "00000000000000_diesel/down.sql"), ("20240105101500", "b", None)],
        ),
        (
            ["V2__b.sql", "V1_10__c.sql", "V1.9__a.sql", "U2__undo.sql"],
            [("1.9", "a", None), ("1.10", "c", None), ("2", "b", "U2__undo.sql")],
        ),
        ([], []),
        (["notes.txt"], []),
    ],
)
def test_layouts(paths: list[str], expected: list[tuple[str, str, str | None]]) -> None:
    assert versions(*paths) == expected


@pytest.mark.parametrize(
    ("paths", "problems"),
    [
        (["1_a.up.sql", "01_b.up.sql"], ["01_b.up.sql, 1_a.up.sql have the same version"]),
        (["1_a.up.sql", "1_a.down.sql", "1_b.down.sql"], ["1_a.down.sql, 1_b.down.sql have the same version"]),
        (["V1__a.sql", "V1.0__b.sql"], ["V1.0__b.sql, V1__a.sql have the same version"]),
        (["1_a.up.sql", "2_b.down.sql"], ["2_b.down.sql has no up file"]),
        (["1_a/up.sql", "2_b/down.sql"], ["2_b/down.sql has no up file"]),
        (["1_a.up.sql", "2-b.up.sql"], ["2-b.up.sql doesn't fit the layout of the others"]),
        (["V1__a.sql", "R__view.sql"], ["R__view.sql doesn't fit the layout of the others"]),
        (["1_a.up.sql", "old/2_b.up.sql"], ["old/2_b.up.sql doesn't fit the layout of the others"]),
        (["1_a.up.sql", "V2__b.sql"], ["mixed layouts (0001_name.up.sql and V1__name.sql)"]),
        (["a.sql", "b.sql"], ["no known layout: a.sql, b.sql"]),
        (["1_a.down.sql", "x.sql"], ["x.sql doesn't fit the layout of the others", "1_a.down.sql has no up file"]),
    ],
)
def test_a_bad_folder_names_its_files(paths: list[str], problems: list[str]) -> None:
    with pytest.raises(MigrationFailed) as failure:
        versions(*paths)
    assert failure.value.message.splitlines() == ["the migrations in db can't be read:", *problems]


def test_a_file_that_is_not_utf8() -> None:
    with pytest.raises(MigrationFailed, match=r"1_a\.up\.sql is not UTF-8"):
        load("db", {"1_a.up.sql": "é".encode("latin-1")})


def test_order() -> None:
    assert sorted(["10", "2", "0003", "1.10", "1.9", "1"], key=order) == ["1", "1.9", "1.10", "2", "0003", "10"]
    assert order("1.0.0") == order("01")


@pytest.mark.parametrize(
    ("text", "empty", "transaction"),
    [
        ("", True, True),
        ("-- undo\n/* of\n all */ \n", True, True),
        ("-- undo\nDROP TABLE a;", False, True),
        ("-- shipway: no-transaction\nDROP TABLE a;", False, False),
        ("\n-- Shipway: No-Transaction\nDROP TABLE a;", False, False),
        ("DROP TABLE a;\n-- shipway: no-transaction", False, True),
    ],
)
def test_what_a_file_says_of_itself(text: str, empty: bool, transaction: bool) -> None:
    file = SqlFile("1_a.down.sql", text)
    assert (file.empty, file.transaction) == (empty, transaction)


CLIENT = CLIENTS["postgres"]


def unpack(arguments: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """The jobs in a command, as its shell script takes them apart."""
    rest, jobs = list(arguments[4:]), []
    while rest:
        path, options, record, count = rest[:4]
        packed = "".join(rest[4 : 4 + int(count)])
        jobs.append((path, options, record, gzip.decompress(base64.b64decode(packed)).decode()))
        rest = rest[4 + int(count) :]
    return jobs


def job_of(text: str, path: str = "1.sql") -> Job:
    return Job(SqlFile(path, text), text, "")


def test_a_job_is_recorded_with_its_checksum() -> None:
    [migration] = load("db", {"1_it's.up.sql": b"SELECT 1"})
    [command] = CLIENT.calls([CLIENT.apply_job(migration)])
    [(path, options, record, text)] = unpack(command)
    assert (path, options, text) == ("1_it's.up.sql", "y", "SELECT 1")
    assert record.endswith(f"VALUES ('1', 'it''s', '{hashlib.sha256(b'SELECT 1').hexdigest()}')")


def test_small_files_go_in_one_call_and_large_ones_in_more() -> None:
    noise = random.Random(0).randbytes  # does not compress
    small = [job_of(f"SELECT {n}") for n in range(300)]
    large = [job_of(noise(250_000).hex()) for _ in range(5)]
    assert len(list(CLIENT.calls(small))) == 1
    commands = list(CLIENT.calls(large))
    assert len(commands) == 3
    assert [job[3] for command in commands for job in unpack(command)] == [job.file.text for job in large]
    for command in commands:
        assert max(len(argument) for argument in command) < 128 * 1024
        assert sum(len(argument) + 1 for argument in command) < 2 * 1024 * 1024 - 128 * 1024


def test_a_file_that_no_command_can_hold() -> None:
    job = job_of(random.Random(0).randbytes(800_000).hex(), "1_seed.up.sql")
    with pytest.raises(MigrationFailed, match=r"1_seed\.up\.sql is too large: 1,\d{3},\d{3} bytes packed"):
        list(CLIENT.calls([job]))


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        ("CREATE TABLE a (n int)", "\n;"),
        ("CREATE TABLE a (n int);\n-- the last one\n", "\n"),
        ("-- nothing to undo\n", "\n"),
        ("DELIMITER //\nCREATE TRIGGER t BEGIN a; END//\nDELIMITER ;\n", "\n"),
        ("DELIMITER //\nCREATE TRIGGER t BEGIN a; END", "\n//"),
        ("SELECT 1; /* done */", "\n"),
        ("SELECT 'a -- b'", "\n;"),
    ],
)
def test_the_record_follows_a_script_on_mysql(text: str, followed: str) -> None:
    assert CLIENTS["mysql"].ended(text) == f"{text.rstrip()}{followed}\nDELIMITER ;"


# From psql 15: a warning that every connection prints, and an error.
FAILED = """\
WARNING:  database "shop" has a collation version mismatch
shipway-begin 1_a.up.sql
shipway-done
shipway-begin 2_b.up.sql
psql:<stdin>:3: ERROR:  relation "nowhere" does not exist
LINE 1: SELECT nope FROM nowhere
                         ^
WARNING:  database "shop" has a collation version mismatch
shipway-applied 1 c0ffee
shipway-read
"""


def test_the_outcome_of_a_call() -> None:
    outcome = read(FAILED)
    assert (outcome.applied, outcome.failed) == ({"1": "c0ffee"}, "2_b.up.sql")
    assert '2_b.up.sql:3: ERROR:  relation "nowhere" does not exist' in outcome.lines
    assert not [line for line in outcome.lines if line.startswith("shipway-")]


def test_a_state_that_was_cut_off_is_none() -> None:
    assert read(FAILED.replace("shipway-read\n", "")).applied is None


def test_a_lost_database_is_not_taken_for_an_empty_one() -> None:
    def run(command: Sequence[str]) -> tuple[int, str]:
        return 0, ""

    with pytest.raises(MigrationFailed, match="can't be read"):
        SqlFolder(lambda folder: {"1_a.up.sql": b""}, run, "db").pending()


def test_an_unreadable_state_after_a_failure_is_said() -> None:
    answers = iter([(0, "shipway-read\n"), (2, FAILED.replace("shipway-read\n", ""))])
    tool = SqlFolder(lambda folder: {"1_a.up.sql": b"", "2_b.up.sql": b""}, lambda command: next(answers), "db")
    with pytest.raises(MigrationFailed, match=r"2_b\.up\.sql failed; the schema's revision could not be read"):
        tool.up(print)


def test_a_foreign_version_in_the_state_table() -> None:
    tool = SqlFolder(lambda folder: {"1_a.up.sql": b""}, lambda command: (0, "shipway-applied x y\nshipway-read"), "db")
    with pytest.raises(MigrationFailed, match="revision x applied, which the image's db lacks"):
        tool.current()
