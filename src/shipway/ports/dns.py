"""A provider of DNS zones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.dns import RecordChange, RecordSet, Sighting


class DnsProvider(Protocol):
    """The zones of one account. The core compares; the provider lists and changes. Each call is bounded in time. Raises
    DnsError."""

    def records(self, zone: str) -> Sequence[RecordSet]:
        """All records of a zone of the kinds that the provider knows. DnsError if the account doesn't have the zone, if the key
        is refused, or if the server doesn't answer."""

    def apply(self, zone: str, changes: Sequence[RecordChange]) -> None:
        """Make these changes, together where the provider can; else in this order. Other records stay as they are."""


class DnsLookup(Protocol):
    """Asks DNS servers, as visitors' resolvers do. Each question is bounded in time."""

    def servers(self, zone: str) -> Sequence[str]:
        """Addresses of the zone's authoritative servers. DnsError if they can't be found."""

    def ask(self, server: str, role: str, name: str, kind: str) -> Sighting:
        """What a server (address, or address:port) answers; raises nothing."""
