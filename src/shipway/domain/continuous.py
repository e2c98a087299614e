"""The stored log of changes of a database server: its objects' names, gaps, and the times that can be restored. Pure.

A segment is the object `wal-PIECE/NUMBER-NAME-TIME.age`: it was complete at that time. After the segments of an attempt comes
`wal-PIECE/until-NUMBER-TIME`: all that was committed before that time is stored, up to that segment. Times are in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from shipway.domain.backups import SUFFIX, Base
from shipway.domain.value import dataclass

FOLDER = "wal-"
_SEGMENT = re.compile(rf"{FOLDER}([0-9A-Za-z-]+)/(\d{{12}})-([0-9A-Za-z]+)-(\d+)\{SUFFIX}")
_UNTIL = re.compile(rf"{FOLDER}([0-9A-Za-z-]+)/until-(\d{{12}})-(\d+)")


@dataclass(frozen=True)
class Segment:
    """A stored segment."""

    piece: str
    number: int
    name: str  # of its file
    at: float  # when it was complete
    object: str  # in the environment's folder of the store
    size: int = 0  # bytes in the store


@dataclass(frozen=True)
class Until:
    """How far a piece is stored."""

    piece: str
    number: int  # of the last segment
    at: float
    object: str


@dataclass(frozen=True)
class Archive:
    """All that is stored, oldest first."""

    segments: tuple[Segment, ...] = ()
    untils: tuple[Until, ...] = ()

    @property
    def last(self) -> Segment | None:
        """The newest segment."""
        return max(self.segments, key=lambda item: (item.at, item.number), default=None)


@dataclass(frozen=True)
class Reach:
    """What can be restored from a base."""

    since: float
    until: float
    segments: tuple[Segment, ...]  # without a gap


def segment_of(piece: str, number: int, name: str, at: float) -> Segment:
    """A segment that is stored now."""
    return Segment(piece, number, name, at, f"{FOLDER}{piece}/{number:012}-{name}-{_milliseconds(at)}{SUFFIX}")


def until_of(piece: str, number: int, at: float) -> Until:
    """The mark behind it."""
    return Until(piece, number, at, f"{FOLDER}{piece}/until-{number:012}-{_milliseconds(at)}")


def _milliseconds(at: float) -> int:
    return int(at * 1000)  # earlier, never later


def read(objects: Mapping[str, int]) -> Archive:
    """objects: names in the environment's folder, and sizes. A segment stored twice counts once."""
    segments: dict[tuple[str, int], Segment] = {}
    untils = []
    for name in sorted(objects):
        if found := _SEGMENT.fullmatch(name):
            piece, number = found[1], int(found[2])
            segments.setdefault(
                (piece, number), Segment(piece, number, found[3], int(found[4]) / 1000, name, objects[name])
            )
        elif found := _UNTIL.fullmatch(name):
            untils.append(Until(found[1], int(found[2]), int(found[3]) / 1000, name))
    return Archive(tuple(segments[key] for key in sorted(segments)), tuple(untils))


def reach(archive: Archive, base: Base) -> Reach | None:
    """None if nothing can be restored from the base: its segments are missing."""
    found: list[Segment] = []
    for item in archive.segments:
        if item.piece == base.piece and item.number == base.first + len(found):
            found.append(item)
    numbers = {item.number for item in found}
    times = [item.at for item in archive.untils if item.piece == base.piece and item.number in numbers]
    until = max(times, default=0.0)
    return Reach(base.ended, until, tuple(found)) if until >= base.ended else None


def needed(found: Reach, at: float) -> tuple[Segment, ...]:
    """The segments up to the attempt that stored all that was committed until then."""
    last = min((item.at for item in found.segments if item.at >= at), default=found.until)
    return tuple(item for item in found.segments if item.at <= last)


def ranges(archive: Archive, bases: Iterable[Base]) -> list[tuple[float, float]]:
    """The times that can be restored, oldest first."""
    joined: list[tuple[float, float]] = []
    for found in sorted((item.since, item.until) for base in bases if (item := reach(archive, base)) is not None):
        if joined and found[0] <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], found[1]))
        else:
            joined.append(found)
    return joined


def missing(last: Segment | None, piece: str, numbers: Sequence[int]) -> str:
    """Why the log has a gap between what is stored and what the server still has; empty if it has none. numbers: ascending."""
    if last is None:
        return ""
    if last.piece != piece:
        return "the server is another one than before, or was restored without Shipway"
    new = [number for number in numbers if number > last.number]
    if not new or new[0] == last.number + 1:
        return ""
    return f"the server no longer has {new[0] - last.number - 1} segments that were not stored"


def unneeded(archive: Archive, bases: Iterable[Base]) -> list[str]:
    """Objects that no base needs, oldest first. The newest piece stays without a base: one may follow."""
    first: dict[str, int] = {}
    for base in bases:
        first[base.piece] = min(base.first, first.get(base.piece, base.first))
    current = archive.last.piece if archive.last else ""
    stored: tuple[Segment | Until, ...] = (*archive.segments, *archive.untils)
    return [
        item.object
        for item in stored
        if item.number < first.get(item.piece, 0 if item.piece == current else item.number + 1)
    ]
