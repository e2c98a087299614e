"""Logs of all replicas on all hosts, merged by time, also of containers that have ended."""

from __future__ import annotations

import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from operator import itemgetter

from shipway.actions.environment.known_secrets import know_secrets
from shipway.actions.operations.sources import Source, as_deployed, require_container, require_name, sources
from shipway.context import Context
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.log import LogLine
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass
from shipway.system.redact import Lines

AHEAD = 50_000  # lines of a container read before the others' lines of that time
PIECE = 2000  # lines that are passed on together, unless they are followed
LARGE = 8 << 20  # characters that end a piece, and that are read ahead: a line may have a million
WINDOW = 0.25  # seconds in which followed lines are merged by time
LOOK = 1.0  # seconds between searches for new containers

Merged = tuple[str, str, Source]  # time, line, container


@dataclass(frozen=True)
class LogQuery:
    """Which lines: of these services and accessories (none: all services), after a time, that match, of a release."""

    names: tuple[str, ...] = ()
    since: str | None = None  # as the time of a line
    grep: re.Pattern[str] | None = None
    release: int | None = None
    last: int | None = None  # only this many, of all containers together
    follow: bool = False


def logs(ctx: Context, plan: Plan, environment: Environment, query: LogQuery) -> Iterator[list[Merged]]:
    """Masked lines in the order of their times, many at a time; with `follow` also those of new containers, without an
    end. UsageError for an unknown name, and for a release without a container."""
    know_secrets(ctx, plan.app, environment.name)
    reading = _Reading(ctx, *as_deployed(ctx, plan, environment), query)
    found = reading.find(first=True)
    with _Merge(ctx, query) as merge:
        for item in found:
            merge.add(item)
        yield from _last(merge.lines(), query.last) if query.last is not None else merge.lines()
    if not query.follow:
        return
    with _Merge(ctx, query, follow=True, since=merge.newest) as following:
        while True:
            try:
                found = reading.find()
            except EngineError as error:  # an engine that is restarted answers again
                reading.unreachable(environment.hosts[0].name, error)
                found = []
            if any(item.info.id not in following.newest for item in found):
                know_secrets(ctx, plan.app, environment.name)  # a deployment may have brought new values
            for item in found:
                following.add(item)
            yield from following.recent(LOOK)


def _last(batches: Iterator[list[Merged]], count: int) -> Iterator[list[Merged]]:
    kept: deque[Merged] = deque(maxlen=count)
    for batch in batches:
        kept.extend(batch)
    yield list(kept)


class _Reading:
    """Finds the containers of a query."""

    def __init__(self, ctx: Context, plan: Plan, environment: Environment, query: LogQuery) -> None:
        self._ctx, self._plan, self._environment, self._query = ctx, plan, environment, query
        self._lost: set[str] = set()

    def find(self, *, first: bool = False) -> list[Source]:
        """All containers that exist now. first: complain if there are none."""
        found = sources(self._ctx, self._plan.app, self._environment, unreachable=self.unreachable)
        query = self._query
        for name in query.names if first else ():
            require_name(self._plan, name, found)
            require_container(self._plan, name, "logs")
        named = [item for item in found if (item.service in query.names if query.names else item.role == "service")]
        chosen = [item for item in named if query.release in (None, item.release)]
        if first and not chosen and not query.follow:
            raise self._nothing(named)
        return chosen

    def _nothing(self, named: Sequence[Source]) -> UsageError:
        where, query = self._environment.name, self._query
        if query.release is None or not named:
            what = " or ".join(query.names) or "a service"
            return UsageError(f"{where} has no container of {what}", hint=f"shipway status; shipway history {where}")
        there = sorted({item.release for item in named if item.release is not None})
        return UsageError(
            f"{where} has no container of release r{query.release} anymore: a log is removed with its container",
            hint=f"there are containers of {', '.join(f'r{number}' for number in there)}",
        )

    def unreachable(self, host: str, error: EngineError) -> None:
        """Say it once."""
        if host not in self._lost:
            self._lost.add(host)
            self._ctx.reporter.note(f"the logs of {host} are missing: {error.message}")


class _Merge:
    """Reads containers in threads, at most AHEAD lines ahead of what was taken, and merges their lines by time.

    since: by container id, the time of its last known line. `newest` has these times afterwards.
    """

    def __init__(
        self, ctx: Context, query: LogQuery, *, follow: bool = False, since: dict[str, str] | None = None
    ) -> None:
        self._ctx, self._query, self._follow = ctx, query, follow
        self.newest: dict[str, str] = dict(since or {})
        self._changed = threading.Condition()
        self._over = False
        self._open: set[str] = set()  # ids of the containers that are being read
        self._lines: dict[str, list[LogLine]] = {}
        self._sizes: dict[str, int] = defaultdict(int)  # characters of these lines
        self._sources: dict[str, Source] = {}
        self._masks: dict[str, Lines] = {}

    def __enter__(self) -> _Merge:
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def add(self, source: Source) -> None:
        """Read a container, unless that is being done. Followed again after a restart, from its last line on."""
        key = source.info.id
        if key in self._open or (self._follow and not source.info.active and key in self.newest):
            return
        self._sources[key] = source
        self._masks.setdefault(key, Lines(self._ctx.redactor))
        self._lines.setdefault(key, [])
        self._open.add(key)
        self.newest.setdefault(key, "")
        since = max(self.newest.get(key, ""), self._query.since or "") or None
        threading.Thread(target=self._read, args=(source, since), daemon=True).start()

    def _read(self, source: Source, since: str | None) -> None:
        key, read, size = source.info.id, list[LogLine](), 0
        try:
            runtime = self._ctx.on(source.host).runtime
            tail = None if self._follow or self._query.grep else self._query.last
            for batch in runtime.log(key, since=since, follow=self._follow, tail=tail):
                read += batch
                size += sum(len(text) for _, text in batch)
                if self._follow or len(read) >= PIECE or size >= LARGE:
                    self._give(key, read, size)
                    read, size = [], 0
                if self._over:
                    return
        except EngineError as error:
            if not self._follow:  # else it was removed, or its host is lost: the next search notices that
                self._ctx.reporter.note(f"the log of {source.info.name} is incomplete: {error.message}")
        finally:
            self._give(key, read, size)
            with self._changed:
                self._open.discard(key)
                self._changed.notify_all()

    def _give(self, key: str, lines: list[LogLine], size: int) -> None:
        with self._changed:
            while (len(self._lines[key]) > AHEAD or self._sizes[key] > LARGE) and not self._over:
                self._changed.wait()
            self._lines[key].extend(lines)
            self._sizes[key] += size
            self._changed.notify_all()

    def lines(self) -> Iterator[list[Merged]]:
        """All lines, until every container has been read."""
        while True:
            with self._changed:
                while not self._complete():
                    self._changed.wait()
                ended = not self._open
                batch = self._take(None if ended else self._horizon())
            if batch:
                yield self._prepared(batch)
            if ended:
                return

    def recent(self, seconds: float) -> Iterator[list[Merged]]:
        """Lines as they arrive, for some seconds."""
        for _ in range(max(1, round(seconds / WINDOW))):
            self._ctx.cancelled.wait(WINDOW)
            with self._changed:
                batch = self._take(None)
            if batch:
                yield self._prepared(batch)

    def _complete(self) -> bool:
        """Whether lines can be taken: each container that is still being read has some."""
        return all(self._lines[key] for key in self._open)

    def _horizon(self) -> str:
        """No container will have a line before this time anymore."""
        return min(self._lines[key][-1][0] for key in self._open)

    def _take(self, until: str | None) -> list[tuple[str, str, str]]:
        taken: list[tuple[str, str, str]] = []
        for key, lines in self._lines.items():
            count = len(lines)
            if until is not None:
                while count and lines[count - 1][0] > until:
                    count -= 1
            if count:
                self.newest[key] = max(self.newest.get(key, ""), lines[count - 1][0])
                texts = self._masks[key].lines([text for _, text in lines[:count]])
                taken += [(time, text, key) for (time, _), text in zip(lines, texts, strict=False)]
                self._sizes[key] -= sum(len(text) for _, text in lines[:count])
                del lines[:count]
        self._changed.notify_all()
        return taken

    def _prepared(self, taken: list[tuple[str, str, str]]) -> list[Merged]:
        """Only those that match, by time; lines of the same time keep their order."""
        grep = self._query.grep
        if grep is not None:
            taken = [item for item in taken if grep.search(item[1])]
        taken.sort(key=itemgetter(0))
        return [(time, text, self._sources[key]) for time, text, key in taken]
