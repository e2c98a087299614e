"""A DNS provider and its servers in memory, which fail on script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.dns import RecordChange, RecordSet, Sighting
from shipway.domain.errors import DnsError


class MemoryDns:
    """Implements ports.DnsProvider and ports.DnsLookup. stale: answers of servers that still have others, by address.
    silent: servers that never answer. refused: the key is. dies_at: the change before which the process dies."""

    def __init__(self, zones: Mapping[str, Sequence[RecordSet]], key: str = "right") -> None:
        self.zones = {zone: {item.key: item for item in found} for zone, found in zones.items()}
        self.key = key
        self.stale: dict[str, dict[tuple[str, str], RecordSet]] = {}
        self.silent: set[str] = set()
        self.dies_at: int | None = None
        self.calls: list[str] = []

    def open(self, key: str) -> MemoryDns:
        """With a key, as the composition root does."""
        self.given = key
        return self

    def records(self, zone: str) -> Sequence[RecordSet]:
        """All of the zone."""
        self.calls.append(f"records {zone}")
        if getattr(self, "given", self.key) != self.key:
            raise DnsError(
                "memory refuses the key", hint="the key is refused: set the right one with `shipway secret set`"
            )
        if zone not in self.zones:
            raise DnsError(f"memory has no zone {zone}, or its key may not see it")
        return list(self.zones[zone].values())

    def apply(self, zone: str, changes: Sequence[RecordChange]) -> None:
        """One after the other."""
        self.records(zone)
        for number, change in enumerate(changes):
            if number == self.dies_at:
                self.dies_at = None
                raise KeyboardInterrupt
            self.calls.append(change.text)
            there = self.zones[zone].get(change.record.key)
            if (there is None) != (change.before is None):
                raise DnsError(f"{change.record.name} {change.record.kind} was changed by someone else meanwhile")
            if change.after is None:
                del self.zones[zone][change.record.key]
            else:
                self.zones[zone][change.after.key] = change.after

    def servers(self, zone: str) -> Sequence[str]:
        """One."""
        return ["192.0.2.53"]

    def ask(self, server: str, role: str, name: str, kind: str) -> Sighting:
        """From the zone; a wildcard answers for one label."""
        if server in self.silent:
            return Sighting(server, role, name, kind, None, problem="no answer: Timeout")
        found = self.stale.get(server) or {key: item for zone in self.zones.values() for key, item in zone.items()}
        item = found.get((name, kind)) or found.get((f"*.{name.partition('.')[2]}", kind))
        return Sighting(server, role, name, kind, item.values if item else (), item.ttl if item else 0)
