"""A CDN in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from shipway.domain.cdn import ALL, PATH, PREFIX, TAG, Answered, Batch, Capabilities
from shipway.testing.memory_calls import Recorder


class MemoryCdn(Recorder):
    """Implements ports.CdnProvider. `kept`: URLs that it has in its caches, with their tags."""

    def __init__(self, batch: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.capabilities = Capabilities(batch or {PATH: 3, PREFIX: 2, TAG: 2, ALL: 2})
        self.settles = 0.0
        self.kept: dict[str, tuple[str, ...]] = {}
        self.answers: dict[str, Answered] = {}  # by URL; others are new

    def keep(self, url: str, *tags: str) -> None:
        """Put it into the caches."""
        self.kept[url] = tags

    def purge(self, batch: Batch, reference: str) -> None:
        """Remove it from the caches."""
        with self._call("purge", batch.kind, *batch.items):
            self.kept = {url: tags for url, tags in self.kept.items() if not purges(batch, url, tags)}

    def ask(self, url: str) -> Sequence[Answered]:
        """What was set, else a new answer."""
        with self._call("ask", url):
            return [self.answers.get(url, Answered(200, 0.0))]


def purges(batch: Batch, url: str, tags: Sequence[str]) -> bool:
    """Whether a batch means what is kept of a URL."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return {
        PATH: url in batch.items,
        PREFIX: url.startswith(batch.items),
        TAG: bool(set(tags) & set(batch.items)),
        ALL: origin in batch.items,
    }[batch.kind]
