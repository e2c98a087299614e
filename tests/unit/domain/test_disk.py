"""What would free space, in words."""

from __future__ import annotations

import pytest

from shipway.domain.disk import DiskUsage, is_full, relief
from shipway.domain.size import readable
from shipway.drivers.runtime.commands import COMMANDS


def test_with_sizes_and_without_what_is_empty() -> None:
    assert relief(
        COMMANDS, DiskUsage(unused_images=3_400_000_000, orphans={"b" * 64: 1_000_000, "a" * 64: 2_000_000})
    ) == (
        "these commands free space there:\n"
        "  shipway prune  (images of this app that are no longer needed)\n"
        "  docker image prune --all  (images without a container; a rollback pulls what it needs again: 3.4 GB)\n"
        f"  docker volume rm {'a' * 64} {'b' * 64}  (anonymous volumes without a container: 3.0 MB)"
    )


def test_many_volumes_are_chosen_by_a_command() -> None:
    many = {letter * 64: 1000 for letter in "abcd"}
    assert "docker volume rm $(docker volume ls" in relief(COMMANDS, DiskUsage(orphans=many))
    assert "a" * 64 not in relief(COMMANDS, DiskUsage(orphans=many))


def test_without_sizes() -> None:
    assert relief(COMMANDS) == (
        "these commands free space there:\n"
        "  shipway prune  (images of this app that are no longer needed)\n"
        "  docker builder prune  (the build cache)\n"
        "  docker image prune --all  (images without a container; a rollback pulls what it needs again)"
    )


@pytest.mark.parametrize(
    ("message", "full"),
    [
        ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", True),
        ("No space left on device", True),
        ("mkdir /a: disk quota exceeded", True),
        ("no such image", False),
    ],
)
def test_words_of_engines(message: str, full: bool) -> None:
    assert is_full(message) is full


def test_sizes() -> None:
    sizes = (0, 999, 1000, 12_345, 9_949_999, 54_000_000, 1_234_000_000)
    assert [readable(size) for size in sizes] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "12 kB",
        "9.9 MB",
        "54 MB",
        "1.2 GB",
    ]
