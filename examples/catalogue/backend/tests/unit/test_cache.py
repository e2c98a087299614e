"""Without Redis the cache costs speed, never an answer."""

from catalogue.cache import Cache, connect


def test_reads_and_writes_go_on_without_redis() -> None:
    cache = Cache(connect("redis://127.0.0.1:1/0"), "")
    assert cache.read("items", "", lambda: b"[]") == (b"[]", False)
    cache.invalidate("items")
