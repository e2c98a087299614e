"""Content delivery networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.cdn import Answered, Batch, Capabilities, Cdn


class CdnProvider(Protocol):
    """The caches of one environment at one provider. Raises CdnError: with `retry_after` if the provider says when, and
    `refused` if only a person can help. Purging again is no error, and harmless."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can purge, without a request."""

    @property
    def settles(self) -> float:
        """Seconds that a purge may need until no cache has an old copy."""

    def purge(self, batch: Batch, reference: str) -> None:
        """Send a batch of a kind that it can purge; return once the provider has accepted it. reference: equal for a
        repeated request."""

    def ask(self, url: str) -> Sequence[Answered]:
        """What its caches answer to a GET of the URL: of each cache that it can reach by itself, or of the nearest one.
        CdnError without an answer."""


@dataclass(frozen=True)
class CdnAccess:
    """What a driver needs. run: runs the team's command with these variables, and returns its exit code and the end of
    its output. go_on: called before each request of a batch; raises CdnError once its time is over."""

    cdn: Cdn
    token: str = ""  # value
    key: str = ""  # value
    run: Callable[[Mapping[str, str]], tuple[int, str]] | None = None
    go_on: Callable[[], None] = lambda: None
    endpoint: str = ""  # of the provider's API; empty: its public one
    timeout: float = 10.0  # seconds of each silence of the provider
