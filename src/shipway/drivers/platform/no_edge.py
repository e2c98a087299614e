"""The edge of an environment in a cluster: its Ingress or its routes, and its Services, which a release is led to by `ports.Cluster`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.traffic import Traffic


class NoEdge:
    """Implements ports.Edge. It has no routes, holds no ports, and refuses to get any."""

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, object] | None = None
    ) -> None:
        """Refused."""
        self._refuse("an edge")

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        """Nothing."""
        return None

    def authority(self) -> str | None:
        """None."""
        return None

    def ports(self) -> Sequence[int]:
        """None."""
        return ()

    def down(self) -> Sequence[str]:
        """Nothing that is Shipway's."""
        return ()

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        """Nothing to release."""

    @contextmanager
    def visit(
        self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]
    ) -> Iterator[str]:  # fmt: skip
        """A visitor in the cluster needs no container of its own: it asks the public address."""
        yield ""

    def routes(self, owner: str) -> Mapping[str, object] | None:
        """None: what serves is what `ports.Cluster.observe` says."""
        return None

    def taken(self, owner: str, table: Mapping[str, object]) -> tuple[str, str] | None:
        """The cluster's business."""
        return None

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        """Refused."""
        self._refuse("routes")

    def remove(self, owner: str) -> None:
        """Nothing to remove."""

    def maintain(
        self, owner: str, url: Mapping[str, object], page: str | None, access: Mapping[str, object] | None = None
    ) -> None:
        """Refused, unless it ends one."""
        if page is not None:
            self._refuse("a maintenance page")

    def maintained(self, owner: str) -> bool:
        """Never."""
        return False

    def asked(self, owner: str, since: float) -> bool:
        """Never."""
        return False

    def probe(self, owner: str, release: int) -> str | None:
        """Refused."""
        self._refuse("a probe through the edge")

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        """Not counted."""
        return {}

    def _refuse(self, what: str) -> NoReturn:
        raise EdgeError(
            f"there is no {what} in a cluster, whose own Ingress or Gateway leads requests",
            hint="docs/kubernetes.md lists what Shipway does in a cluster",
        )
