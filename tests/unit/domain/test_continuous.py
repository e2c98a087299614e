"""The stored log of changes: names, gaps, and the times that can be restored."""

from __future__ import annotations

from shipway.domain.backups import Archived, Base, Continuous
from shipway.domain.continuous import Archive, missing, needed, ranges, reach, read, segment_of, unneeded, until_of


def archive(*segments: tuple[int, float], until: dict[int, float], piece: str = "7-1") -> Archive:
    objects = {segment_of(piece, number, f"F{number:023}", at).object: 10 for number, at in segments}
    return read(objects | {until_of(piece, number, at).object: 1 for number, at in until.items()})


BASE = Base("7-1", 4, 10.0, 100)


def test_names_are_read_back() -> None:
    made = segment_of("7412-00000001", 5, "000000010000000000000005", 1764594300.1239)
    (found,) = read({made.object: 7, "20260101T000000Z-abc/manifest.age": 1, "wal-x/other": 2}).segments
    assert (found.piece, found.number, found.name, found.size) == (made.piece, 5, made.name, 7)
    assert found.at == 1764594300.123, "never later than it was"


def test_from_the_base_to_the_end() -> None:
    found = reach(archive((3, 5.0), (4, 20.0), (5, 20.0), (6, 30.0), until={6: 35.0}), BASE)
    assert found is not None
    assert (found.since, found.until, [item.number for item in found.segments]) == (10.0, 35.0, [4, 5, 6])


def test_a_gap_ends_it() -> None:
    stored = archive((4, 20.0), (6, 40.0), until={4: 25.0, 6: 45.0})
    found = reach(stored, BASE)
    assert found is not None
    assert found.until == 25.0
    assert ranges(stored, [BASE, Base("7-1", 6, 41.0, 1)]) == [(10.0, 25.0), (41.0, 45.0)]


def test_nothing_without_its_segments() -> None:
    assert reach(archive((5, 20.0), until={5: 20.0}), BASE) is None
    assert reach(archive((4, 9.0), until={4: 9.5}), BASE) is None, "it ended later"
    assert reach(archive((4, 20.0), until={4: 20.0}, piece="8-1"), BASE) is None, "of another server"
    assert reach(archive((4, 20.0), until={}), BASE) is None, "an attempt that didn't end"


def test_only_the_needed_segments() -> None:
    found = reach(archive((4, 20.0), (5, 30.0), (6, 30.0), (7, 40.0), until={7: 50.0}), BASE)
    assert found is not None
    assert [[item.number for item in needed(found, at)] for at in (15.0, 20.0, 25.0, 35.0, 45.0)] == [
        [4], [4], [4, 5, 6], [4, 5, 6, 7], [4, 5, 6, 7],
    ]  # fmt: skip


def test_what_is_missing_is_said() -> None:
    last = segment_of("7-1", 5, "F", 1.0)
    assert missing(None, "7-1", [9]) == ""
    assert missing(last, "7-1", []) == ""
    assert missing(last, "7-1", [4, 5, 6]) == ""
    assert "no longer has 2 segments" in missing(last, "7-1", [8, 9])
    assert "another one" in missing(last, "8-1", [1])


def test_what_no_base_needs_goes() -> None:
    stored = archive((3, 5.0), (4, 20.0), (5, 30.0), until={3: 6.0, 5: 30.0})
    names = {item.object.rpartition("/")[2][:18] for item in stored.segments if item.number < 4}
    gone = unneeded(stored, [BASE, Base("7-1", 5, 1.0, 1)])
    assert {name.rpartition("/")[2][:18] for name in gone if "until" not in name} == names
    assert [name for name in gone if "until" in name] == [until_of("7-1", 3, 6.0).object]
    assert unneeded(stored, []) == [], "a base may follow"
    other = read({segment_of("6-1", 1, "F", 1.0).object: 1, segment_of("7-1", 4, "F", 2.0).object: 1})
    assert unneeded(other, [BASE]) == [segment_of("6-1", 1, "F", 1.0).object]


def test_late() -> None:
    every = Continuous(60.0)
    assert Archived().late(every, 0.0)
    assert not Archived(100.0).late(every, 280.0)
    assert Archived(100.0).late(every, 281.0)
