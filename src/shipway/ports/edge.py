"""The reverse proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.container import Publish
    from shipway.domain.traffic import Traffic


class Edge(Protocol):
    """The reverse proxy of one host, shared by all apps and environments on it. Raises EdgeError."""

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, object] | None = None
    ) -> None:
        """Run it with at least these public ports, attached to these networks under these aliases (the public host
        names, by which containers there reach the edge), able to obtain certificates and to trust proxies as the `url`
        of a route table says. Keeps what others requested, and interrupts them only as `pending` reports."""

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        """Message about what `ensure` with these would interrupt; None if nothing."""

    def authority(self) -> str | None:
        """Certificate (PEM) of the local CA; None if it was never needed."""

    def ports(self) -> Sequence[int]:
        """The public ports that it holds."""

    def down(self) -> Sequence[str]:
        """Stopped containers of the edge, whose ports are unreachable; empty without an edge."""

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        """Release the public ports without routes; of these only, or of all."""

    def visit(
        self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]
    ) -> AbstractContextManager[str]:
        """In the block there is a container (the name is yielded) whose network namespace reaches this address (`url`
        of a route table) as visitors do, regardless of DNS, and no other container of this engine. It never sees a
        maintenance page. network: name of a network to create; labels: of everything created. Not twice at a time."""

    def routes(self, owner: str) -> Mapping[str, object] | None:
        """The route table that `switch` last wrote for this owner (app-environment); None if there is none."""

    def taken(self, owner: str, table: Mapping[str, object]) -> tuple[str, str] | None:
        """A public address in the table that another owner serves, and that owner; None: `switch` would find no
        conflict."""

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        """Replace the owner's routes in one atomic write; they are in effect and reachable when it returns. On failure
        the previous routes are restored. See `domain.routes` for a table's content."""

    def remove(self, owner: str) -> None:
        """Remove the owner's routes."""

    def maintain(
        self, owner: str, url: Mapping[str, object], page: str | None, access: Mapping[str, object] | None = None
    ) -> None:
        """Answer all requests to this address (`url` of a route table) with status 503 and this HTML page, regardless
        of switches; None ends it. Whom the owner's routes of now keep out by their `access` is kept out by the page too;
        access: that of the first routes, while there are none yet. Requests from `visit` are served normally."""

    def maintained(self, owner: str) -> bool:
        """Whether it shows a maintenance page."""

    def asked(self, owner: str, since: float) -> bool:
        """Whether the maintenance page was shown to a visitor since then (seconds since the epoch, by the engine's clock)."""

    def probe(self, owner: str, release: int) -> str | None:
        """Send one request through the edge to a release of the owner's first route, at its health path. None if the
        answer is successful, else a message."""

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        """The requests since the edge started, by release of the owner."""
