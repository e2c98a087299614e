"""Where the sessions of a scratch server come from."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address


def network_of(client: str, addresses: Mapping[str, str]) -> str:
    """The network of a client by its address; empty for the server itself. addresses: the server's own, by network.

    Networks don't overlap, so the one whose address has the longest prefix in common is the client's.
    """
    if not client or client in addresses.values() or ip_address(client).is_loopback:
        return ""
    return max(
        (name for name in addresses if addresses[name]), key=lambda name: _common(client, addresses[name]), default=""
    )


def _common(one: str, other: str) -> int:
    """Length of the common prefix in bits; -1 for different versions of the protocol."""
    first, second = ip_address(one), ip_address(other)
    if first.version != second.version:
        return -1
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()
