"""Database servers that run as accessories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.accessory import DatabaseLogin


class DatabaseServer(Protocol):
    """What Shipway knows about a database server in order to copy its databases and prove rollbacks on it; one driver
    for each kind of accessory whose databases can be under migrations. Stateless and without effects."""

    @property
    def product(self) -> str:
        """Its name, as people write it."""

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        """Variables by which the client programs in its image reach a database."""
