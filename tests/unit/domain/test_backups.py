"""Which backups are kept, which is due, when one is too old, and what a manifest holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain import backups as domain
from shipway.domain.backups import (
    FAILED,
    MIGRATIONS,
    PENDING,
    REMOVED,
    STORED,
    Backup,
    Backups,
    Keep,
    Manifest,
    Part,
    Required,
    age,
    compared,
    due,
    last_good,
    leftovers,
    refused,
    removable,
)
from shipway.domain.record import from_data, to_data

START = datetime(2026, 1, 1, 2, 30, tzinfo=UTC).timestamp()  # a Thursday
DAY = 86400.0
SETTINGS = Backups("/srv/backups", ("age1x",), at="30 2 * * *")


def made(number: int, at: float, outcome: str = STORED, *, good: bool = True, due: float | None = None) -> Backup:
    manifest = Manifest("shop", "production", f"b{number}", at, 1, "0001", "postgres", "postgres:15")
    verified = at if good and outcome == STORED else None
    finished = None if outcome == PENDING else at + 60
    return Backup(number, manifest, "/srv/backups", "ada", "", at, due, outcome, finished, verified=verified)


def daily(days: int) -> list[Backup]:
    return [made(number, START + number * DAY) for number in range(days)]


def kept(backups: list[Backup], keep: Keep, zone: object = UTC) -> list[int]:
    gone = {item.id for item in removable(backups, keep, zone)}  # type: ignore[arg-type]
    return [item.id for item in backups if item.id not in gone]


def test_days_weeks_and_months() -> None:
    # Days: 114-120. Weeks: their newest days, Sundays 108 and 115 and so on, and the last. Months: their last days.
    assert kept(daily(121), Keep(7, 4, 6)) == [30, 58, 89, 101, 108, *range(114, 121)]


def test_periods_without_a_backup_do_not_count() -> None:
    backups = [made(1, START), made(2, START + 40 * DAY), made(3, START + 90 * DAY)]
    assert kept(backups, Keep(3, 0, 0)) == [1, 2, 3]
    assert kept(backups, Keep(0, 0, 2)) == [2, 3]


def test_the_newest_of_a_day_is_kept_in_the_zone_of_the_plan() -> None:
    backups = [made(1, START), made(2, START + 19 * 3600), made(3, START + 22 * 3600)]  # 02:30, 21:30 and 00:30 UTC
    assert kept(backups, Keep(2, 0, 0)) == [2, 3]
    assert kept(backups, Keep(2, 0, 0), ZoneInfo("Pacific/Kiritimati")) == [1, 3]


def test_the_last_good_one_is_never_removed() -> None:
    assert kept([made(1, START)], Keep(0, 0, 0)) == [1]
    bad = [made(1, START), made(2, START + DAY, good=False), replace(made(3, START + 2 * DAY), problem="damaged")]
    assert kept(bad, Keep(0, 0, 0)) == [1, 2, 3]
    assert kept(bad[1:], Keep(0, 0, 0)) == [2, 3], "none is good: none is removed"
    assert kept([*bad, made(4, START + 3 * DAY)], Keep(1, 0, 0)) == [4]


def test_damaged_ones_take_no_place() -> None:
    backups = [made(1, START), replace(made(2, START + 3600), problem="damaged"), made(3, START + DAY)]
    assert kept(backups, Keep(2, 0, 0)) == [1, 2, 3], "it was good once, and is kept as long as that"
    assert kept([*backups, made(4, START + 2 * DAY)], Keep(2, 0, 0)) == [3, 4]
    assert kept([made(1, START), made(2, START + 3600, good=False), made(3, START + DAY)], Keep(2, 0, 0)) == [1, 3]


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([STORED, FAILED, PENDING, REMOVED]), st.sampled_from(["good", "unverified", "damaged"])), max_size=30),
    st.integers(0, 4), st.integers(0, 4), st.integers(0, 4),
)  # fmt: skip
def test_whatever_happened(found: list[tuple[int, str, str]], daily: int, weekly: int, monthly: int) -> None:
    backups = [
        replace(
            made(number, START + hours * 3600, outcome, good=state != "unverified"),
            problem="damaged" if state == "damaged" else "",
        )
        for number, (hours, outcome, state) in enumerate(found)
    ]
    keep = Keep(daily, weekly, monthly)
    gone = removable(backups, keep, UTC)
    last = last_good(backups)
    assert all(item.outcome == STORED for item in gone)
    assert last is None or last not in gone
    assert last is not None or not gone
    rest = [item for item in backups if item not in gone]
    assert removable(rest, keep, UTC) == [], "a second time removes nothing"
    good = [item for item in rest if item.good]
    assert len(good) <= max(1, daily + weekly + monthly)


NOW = START + 10 * DAY + 3600
TIMES = [START + number * DAY for number in range(10, -1, -1)]


@pytest.mark.parametrize(
    ("backups", "since", "expected"),
    [
        ([], START, TIMES[0]),
        ([], NOW - 60, None),
        ([made(1, TIMES[0] + 30, due=TIMES[0])], START, None),
        ([made(1, NOW - 100, PENDING, due=TIMES[0])], START, None),
        ([made(1, NOW - 1000, PENDING, due=TIMES[0])], START, TIMES[0]),
        ([made(number, NOW - 3000, PENDING, due=TIMES[0]) for number in range(3)], START, None),
        ([made(1, TIMES[0] + 30)], START, None),
        ([made(1, TIMES[3], due=TIMES[3])], START, TIMES[0]),
        ([made(1, TIMES[3], due=TIMES[3])], NOW - 60, TIMES[0]),
        ([made(1, NOW - 100, FAILED, due=TIMES[0])], START, None),
        ([made(1, NOW - 1000, FAILED, due=TIMES[0])], START, TIMES[0]),
        ([made(number, NOW - 3000, FAILED, due=TIMES[0]) for number in range(3)], START, None),
        ([made(1, NOW + 30 * DAY)], START, TIMES[0]),
        ([made(1, NOW + 30 * DAY, FAILED, due=TIMES[0])], START, TIMES[0]),
    ],
    ids=[
        "none yet", "set up since then", "taken", "died just now", "died a while ago", "died too often", "taken by a person since", "one for all missed",
        "deployed since, but backed up before", "failed just now", "failed a while ago", "failed too often",
        "taken by a clock that was ahead", "failed by a clock that was ahead",
    ],
)  # fmt: skip
def test_one_is_due(backups: list[Backup], since: float, expected: float | None) -> None:
    assert due(iter(TIMES), backups, since, NOW) == expected


def test_a_newer_one_should_exist() -> None:
    def late(*backups: Backup, settings: Backups = SETTINGS, since: float = START) -> bool:
        return age(iter(TIMES), backups, settings, since, NOW).late

    assert not late(made(1, TIMES[0]))
    assert not late(made(1, TIMES[1])), "today's may be in progress"
    assert late(made(1, TIMES[2]))
    assert late()
    assert not late(since=TIMES[1] + 60), "there was no time for one yet"
    assert late(made(1, TIMES[1]), settings=replace(SETTINGS, require=Required(3600.0)))
    failed = replace(made(2, TIMES[0], FAILED), detail="the store is full")
    assert age(iter(TIMES), [made(1, TIMES[1]), failed], SETTINGS, START, NOW).problem == "the store is full"
    assert age(iter(TIMES), [made(1, TIMES[1]), made(2, TIMES[0], PENDING)], SETTINGS, START, NOW).problem == ""


def test_a_deployment_may_require_one() -> None:
    day = Required(DAY)
    assert refused(None, [], NOW, migrates=True) == ""
    assert "there is none" in refused(day, [made(1, NOW, good=False)], NOW, migrates=False)
    assert refused(day, [made(1, NOW - DAY)], NOW, migrates=False) == ""
    assert "is 48 h old" in refused(day, [made(1, NOW - 2 * DAY)], NOW, migrates=False)
    only = Required(DAY, MIGRATIONS)
    assert refused(only, [], NOW, migrates=False) == ""
    assert refused(only, [], NOW, migrates=True) != ""


def test_a_clock_that_was_set_back() -> None:
    """The ledger's order counts. What has a time in the future has no known age."""
    ahead, then = made(1, START + 40 * DAY), [made(number, START + number * DAY) for number in range(2, 5)]
    assert last_good([ahead, *then]) == then[-1]
    assert kept([ahead, *then], Keep(0, 0, 0)) == [4]
    assert kept([ahead, *then], Keep(2, 0, 0)) == [3, 4]
    again = [ahead, *then, made(5, START + 40 * DAY + 60)]
    assert kept(again, Keep(2, 0, 0)) == [4, 5], "the day counts as new once it has a new one"
    late = [made(6, NOW + DAY)]
    assert "its age is unknown" in refused(Required(DAY), late, NOW, migrates=True)
    assert refused(Required(DAY), [*late, made(7, NOW - 60)], NOW, migrates=True) == ""
    assert refused(Required(DAY), [made(1, NOW + 1)], NOW, migrates=True) == "", "clocks differ by a little"
    assert age(iter(TIMES), late, SETTINGS, START, NOW).late
    assert not age(iter(TIMES), [*late, made(7, NOW - 60)], SETTINGS, START, NOW).late


def test_rows_are_compared() -> None:
    assert compared({"a": 1, "b": 2}, {"a": 1, "b": 2}) == []
    assert compared({"a": 1, "b": 2}, {"a": 3, "c": 0}) == [
        "a: 3 rows, recorded: 1", "b: missing, recorded: 2", "c: 0 rows, recorded: none",
    ]  # fmt: skip


def test_folders_without_a_manifest_are_leftovers() -> None:
    old, new = "20251231T000000Z-abcdef", "20260101T020000Z-abcdef"
    names = ["a/manifest.age", "a/database.age", "b/database.age", "c/x", f"{old}/x", f"{new}/x", "stray"]
    assert leftovers(names, ["a", "b"], datetime.fromtimestamp(START - 3600, UTC)) == [old, "b"]


def test_a_manifest_comes_back_and_an_older_reader_ignores_new_keys() -> None:
    parts = (Part("database", 10, "d", 20, "s"), Part("volume-media", 1, "d", 2, "s"))
    manifest = Manifest(
        "shop",
        "production",
        "n",
        1.5,
        7,
        None,
        "postgres",
        "postgres:15",
        {"public.pets": 3},
        parts,
        {"media": 2},
        "shape",
        ("media",),
    )
    data = json.loads(json.dumps(to_data(manifest)))
    assert from_data(Manifest, {**data, "later": 1}) == manifest
    assert manifest.folder == "shop/production/n/"
    assert manifest.size == 22
    assert replace(manifest, app="", environment="").folder == "_ledger/n/"


def test_names_sort_by_time() -> None:
    first = domain.name_of(datetime(2026, 1, 9, 23, 59, 59, tzinfo=UTC), "ffffffff")
    second = domain.name_of(datetime(2026, 1, 9, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=1), "00000000")
    assert first == "20260109T235959Z-ffffff"
    assert sorted([second, first]) == [first, second]


def test_what_it_reaches() -> None:
    assert "recipients age1x" in SETTINGS.reach
    given = replace(SETTINGS, to="s3://b/p", key="K", access_key="A", secret_key="S", endpoint="https://s3.example")
    assert given.secrets == ("K", "A", "S")
    assert {"to s3://b/p", "key K", "access_key A", "secret_key S", "endpoint https://s3.example"} <= set(given.reach)
