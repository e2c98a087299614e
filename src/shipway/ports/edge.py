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
        names, so that a container there reaches the edge by them), able to get certificates and to believe proxies as
        the `url` of a table says; keeps all that others asked for, and interrupts none of them, but for what `pending` says."""

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        """What `ensure` with these would interrupt, in words; None where nothing is interrupted."""

    def authority(self) -> str | None:
        """Certificate (PEM) of the authority that signs for local names; None where it was never needed."""

    def down(self) -> Sequence[str]:
        """Its containers that don't run: nobody is answered at their ports. None where there is no edge."""

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        """Give back the public ports that no routes need; of these alone, or all."""

    def visit(
        self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]
    ) -> AbstractContextManager[str]:
        """In the block there is a container (its name is given) whose network namespace reaches this address (`url` of a
        table) as visitors do, whatever DNS says, and no container of this engine otherwise. A maintenance page isn't
        shown there. network: the name of one that is made for it; labels: of all that is made. Not twice at a time."""

    def routes(self, owner: str) -> Mapping[str, object] | None:
        """The table that `switch` wrote last for this owner (app-environment); None where there is none."""

    def taken(self, owner: str, table: Mapping[str, object]) -> tuple[str, str] | None:
        """A public address of the table at which another owner is served, and that owner; None: `switch` refuses it for none."""

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        """Replace the owner's routes in one atomic write, in effect and reachable when it returns; what was routed
        before is again where that fails. See `domain.routes` for a table's content."""

    def remove(self, owner: str) -> None:
        """Drop the owner's routes."""

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None) -> None:
        """Answer everybody at this address (`url` of a table) with status 503 and this HTML page, whatever is switched
        meanwhile; None ends it. Who asks from `visit` is served as ever."""

    def maintained(self, owner: str) -> bool:
        """Whether it does."""

    def probe(self, owner: str, release: int) -> str | None:
        """One request through the edge to a release of the owner's first route, at its health path. None where it is
        answered well, else what was seen."""

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        """By release of the owner: the requests since the edge was started."""
