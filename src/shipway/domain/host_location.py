"""Where a host of a plan is in the network, as far as this machine knows. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from shipway.domain.value import dataclass

SSH = 22


@dataclass(frozen=True)
class HostLocation:
    """address: a host name or an IP address. through: in words, what ssh connects through; the address may mean nothing here
    then."""

    address: str
    port: int = SSH
    through: str = ""


def named(host: str) -> HostLocation:
    """By the host's name in the plan alone: ssh://[user@]name[:port]."""
    parts = urlsplit(host)
    return HostLocation(parts.hostname or "", parts.port or SSH)
