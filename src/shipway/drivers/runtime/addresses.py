"""Addresses of containers in a network where their names change while they are attached. Pure.

A container that is attached again under its address keeps it permanently, even while it is stopped. After a restart the
engine gives other containers any free address, which must never be one of those. So the engine chooses from one part of
the network, and Shipway from the rest.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

PART = 2  # bits: the engine chooses from the last quarter
LEAST = 28  # a smaller subnet isn't split


def split(subnet: str) -> dict[str, str]:
    """The configuration of a network with this subnet."""
    found = ipaddress.ip_network(subnet, strict=False)
    if isinstance(found, ipaddress.IPv6Network) or found.prefixlen > LEAST:
        return {"Subnet": subnet}
    last = int(found.broadcast_address) + 1 - (found.num_addresses >> PART)
    part = ipaddress.IPv4Network((last, found.prefixlen + PART))
    return {"Subnet": subnet, "IPRange": str(part), "Gateway": str(found.network_address + 1)}


def choose(network: Mapping[str, Any], container: str, attached: Iterable[Mapping[str, Any]]) -> str | None:
    """A free address for a container; None if the engine must choose. attached: the engine's list of all containers of
    the network, including stopped ones. The search starts at a position derived from the name, so that addresses aren't
    soon reused."""
    config = next((item for item in (network.get("IPAM") or {}).get("Config") or () if item.get("IPRange")), None)
    if config is None:
        return None
    whole, others = ipaddress.IPv4Network(config["Subnet"]), ipaddress.IPv4Network(config["IPRange"])
    first, count = int(whole.network_address) + 2, int(others.network_address) - int(whole.network_address) - 2
    taken = {config.get("Gateway")} | {
        item.get("IPv4Address", "").partition("/")[0] for item in (network.get("Containers") or {}).values()
    }
    for item in attached:
        endpoint = item["NetworkSettings"]["Networks"].get(network["Name"]) or {}
        taken |= {endpoint.get("IPAddress"), (endpoint.get("IPAMConfig") or {}).get("IPv4Address")}
    begin = zlib.crc32(container.encode())
    free = (str(ipaddress.IPv4Address(first + (begin + index) % count)) for index in range(count))
    return next((address for address in free if address not in taken), None)
