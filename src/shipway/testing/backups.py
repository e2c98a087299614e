"""The conformance suite of stores of backups, and one in memory that fails on purpose. A test module subclasses the suite
and provides the fixtures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from shipway.domain.errors import BackupFailed, NotStored, StoreFull, StoreGone
from shipway.ports import BackupStore

MB = 1 << 20
BLOCK = 1 << 15  # bytes in a chunk of `content`, at most


class MemoryBackupStore:
    """Implements ports.BackupStore. room: bytes that it takes, at most. gone: as if it couldn't be reached."""

    def __init__(self, room: int | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.unfinished: set[str] = set()
        self.room = room
        self.gone = False

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        self._require()
        self.unfinished.add(name)
        data = b"".join(chunks)
        self._require()
        if self.room is not None and sum(map(len, self.objects.values())) + len(data) > self.room:
            self.unfinished.discard(name)
            raise StoreFull("the store of the backups is full")
        self.objects[name] = data
        self.unfinished.discard(name)

    def get(self, name: str) -> Iterator[bytes]:
        self._require()
        if name not in self.objects:
            raise NotStored(f"the store has no {name}")
        data = self.objects[name]
        return iter([data[at : at + 65536] for at in range(0, len(data), 65536)])

    def list(self, folder: str) -> Mapping[str, int]:
        self._require()
        return {name: len(data) for name, data in sorted(self.objects.items()) if name.startswith(folder)}

    def remove(self, name: str) -> None:
        self._require()
        self.objects.pop(name, None)

    def clean_up(self, folder: str, age: float = 0.0) -> None:
        self._require()
        if age:  # all are new
            return
        self.unfinished = {name for name in self.unfinished if not name.startswith(folder)}

    def _require(self) -> None:
        if self.gone:
            raise StoreGone("the store of the backups is gone")


def content(size: int, seed: bytes = b"x") -> Iterator[bytes]:
    """Bytes that can't be compressed, in chunks of various sizes, the same each time."""
    rest, number = size, 0
    while rest > 0:
        length = min(rest, 1 + (number * 7919) % BLOCK)
        yield hashlib.shake_256(seed + bytes(str(number), "ascii")).digest(length)
        rest -= length
        number += 1024


def digest(chunks: Iterator[bytes]) -> tuple[int, str]:
    """Size and sha256."""
    found, size = hashlib.sha256(), 0
    for chunk in chunks:
        found.update(chunk)
        size += len(chunk)
    return size, found.hexdigest()


class BackupStoreSuite:
    """Fixtures: `store` is a new one; `again` opens the same one again, as another process would; `vanish` makes it
    disappear; `small` is a store with room for about 8 MB; `stray` leaves what an upload of a killed process leaves, below
    a folder, and returns how to count it."""

    full: type[BackupFailed] = StoreFull  # a server may not tell why it failed

    @pytest.mark.parametrize("size", [0, 1, 70_000, 16 * MB, 40 * MB + 7])
    def test_what_was_stored_comes_back(self, store: BackupStore, again: Callable[[], BackupStore], size: int) -> None:
        store.put("shop/production/a/database.age", content(size))
        assert digest(again().get("shop/production/a/database.age")) == digest(content(size))
        assert store.list("shop/") == {"shop/production/a/database.age": size}

    def test_objects_are_listed_by_folder(self, store: BackupStore) -> None:
        for name in (
            "shop/one/b/x.age",
            "shop/one/a/x.age",
            "shop/two/a/y.age",
            "shopping/one/a/x.age",
            "_ledger/a/k.age",
        ):
            store.put(name, iter((b"1",)))
        assert list(store.list("shop/one/")) == ["shop/one/a/x.age", "shop/one/b/x.age"]
        assert store.list("nothing/") == {}
        assert len(store.list("")) == 5

    def test_an_object_is_replaced_as_a_whole(self, store: BackupStore) -> None:
        store.put("shop/one/a/x.age", content(100_000))
        store.put("shop/one/a/x.age", iter((b"new",)))
        assert b"".join(store.get("shop/one/a/x.age")) == b"new"

    def test_a_removed_one_is_gone_and_a_missing_one_is_no_error(self, store: BackupStore) -> None:
        store.put("shop/one/a/x.age", iter((b"1",)))
        store.remove("shop/one/a/x.age")
        store.remove("shop/one/a/x.age")
        assert store.list("shop/") == {}
        with pytest.raises(NotStored):
            list(store.get("shop/one/a/x.age"))

    @pytest.mark.parametrize("size", [10_000, 40 * MB])
    def test_a_cut_upload_leaves_nothing(self, store: BackupStore, again: Callable[[], BackupStore], size: int) -> None:
        def cut() -> Iterator[bytes]:
            yield from content(size)
            raise ValueError("the dump broke off")

        with pytest.raises(ValueError, match="broke off"):
            store.put("shop/one/a/x.age", cut())
        assert again().list("shop/") == {}
        store.put("shop/one/a/x.age", iter((b"whole",)))
        assert b"".join(again().get("shop/one/a/x.age")) == b"whole"

    def test_a_cut_upload_leaves_the_earlier_object(self, store: BackupStore) -> None:
        def cut() -> Iterator[bytes]:
            yield from content(20 * MB)
            raise ValueError("the dump broke off")

        store.put("shop/one/a/x.age", iter((b"earlier",)))
        with pytest.raises(ValueError, match="broke off"):
            store.put("shop/one/a/x.age", cut())
        assert b"".join(store.get("shop/one/a/x.age")) == b"earlier"

    def test_what_a_killed_process_left_is_cleaned_up(
        self, store: BackupStore, stray: Callable[[str], Callable[[], int]]
    ) -> None:
        store.put("shop/one/a/x.age", iter((b"1",)))
        mine, others = stray("shop/one/b/x.age"), stray("shop/two/b/x.age")
        assert list(store.list("")) == ["shop/one/a/x.age"]
        assert (mine(), others()) == (1, 1)
        store.clean_up("shop/one/", 3600.0)
        assert (mine(), others()) == (1, 1), "another process may be at it"
        store.clean_up("shop/one/")
        assert (mine(), others()) == (0, 1)
        assert list(store.list("")) == ["shop/one/a/x.age"]

    def test_a_full_store_is_reported_and_keeps_what_it_has(self, small: BackupStore) -> None:
        small.put("shop/one/a/x.age", iter((b"earlier",)))
        with pytest.raises(self.full):
            small.put("shop/one/b/x.age", content(40 * MB))
        assert list(small.list("")) == ["shop/one/a/x.age"]
        assert b"".join(small.get("shop/one/a/x.age")) == b"earlier"
        small.put("shop/one/c/x.age", content(MB))  # nothing of the other one takes its room

    def test_a_vanished_store_is_reported_by_every_call(self, store: BackupStore, vanish: Callable[[], None]) -> None:
        store.put("shop/one/a/x.age", iter((b"1",)))
        vanish()
        for call in (
            lambda: store.put("shop/one/b/x.age", content(100_000)),
            lambda: list(store.get("shop/one/a/x.age")),
            lambda: store.list("shop/"),
            lambda: store.remove("shop/one/a/x.age"),
            lambda: store.clean_up("shop/"),
        ):
            with pytest.raises(StoreGone):
                call()

    def test_a_store_that_vanishes_in_the_middle_fails_the_upload(
        self, store: BackupStore, vanish: Callable[[], None]
    ) -> None:
        def chunks() -> Iterator[bytes]:
            yield from content(20 * MB)
            vanish()
            yield from content(20 * MB)

        with pytest.raises(BackupFailed):
            store.put("shop/one/a/x.age", chunks())
