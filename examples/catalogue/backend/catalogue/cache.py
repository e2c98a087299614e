"""Lists of the API, kept in Redis until something is written.

A key carries the collection's generation, which every write raises. A reader that loaded old rows
just before a write stores them under the old generation, which is not read any more. A key also has
the release: while two releases serve at the same time, neither reads the JSON of the other.
"""

import logging
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

SECONDS = 60

log = logging.getLogger(__name__)


def connect(address: str) -> Redis:
    """For requests: the library's own ten retries, with pauses, would let a visitor wait."""
    once_more = Retry(NoBackoff(), 1)
    return Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2, retry=once_more)


class Cache:
    def __init__(self, redis: Redis, release: str) -> None:
        self._redis = redis
        self._release = release

    def read(self, collection: str, query: str, load: Callable[[], bytes]) -> tuple[bytes, bool]:
        """The bytes, and whether they came from the cache. Without Redis it loads them."""
        try:
            generation = self._redis.get(f"catalogue:generation:{collection}") or b"0"
            key = f"catalogue:{collection}:{self._release}:{generation.decode()}:{query}"
            kept = self._redis.get(key)
        except RedisError as error:
            log.warning("cache: not readable, asking the database: %s", error)
            return load(), False
        if kept is not None:
            return kept, True
        fresh = load()
        try:
            self._redis.set(key, fresh, ex=SECONDS)
        except RedisError as error:
            log.warning("cache: not writable: %s", error)
        return fresh, False

    def invalidate(self, collection: str) -> None:
        """Call it after the commit."""
        try:
            self._redis.incr(f"catalogue:generation:{collection}")
        except RedisError as error:
            log.warning("cache: %s may be up to %d s old: %s", collection, SECONDS, error)
