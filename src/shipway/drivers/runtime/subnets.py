"""Small subnets for networks, so that many environments fit on one engine. Pure, except `routes`.

The engine's default pools have room for about 15 networks of 65,536 addresses each and 16 of 4,096, shared by all
programs of the machine.
"""

from __future__ import annotations

import ipaddress
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shipway.domain.errors import EngineError

VARIABLE = "SHIPWAY_SUBNETS"
RANGE = "10.213.0.0/16"
PREFIX = 25  # 125 containers per network
SIZE = 1 << (32 - PREFIX)  # addresses
NONE = "none"

Subnet = ipaddress.IPv4Network


def configured(environ: Mapping[str, str] = os.environ) -> Subnet | None:
    """The range for subnets; None if the engine chooses. EngineError if it is invalid."""
    text = environ.get(VARIABLE, "").strip() or RANGE
    if text == NONE:
        return None
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise EngineError(
            f"{VARIABLE} is not a range of addresses: {error}",
            hint=f"set it to a range such as {RANGE}, or to `{NONE}` to let the Docker Engine choose",
        ) from error
    if not found.is_private or found.prefixlen > PREFIX:
        raise EngineError(
            f"{VARIABLE} must be a private range of at least /{PREFIX}: {text}",
            hint=f"set it to a range such as {RANGE}",
        )
    return found


def free(name: str, pool: Subnet, taken: Iterable[Subnet]) -> Iterator[Subnet]:
    """Subnets of the pool that overlap with none of these. The search starts at a position derived from the network's
    name, so that concurrent creations rarely collide."""
    first = int(pool.network_address)
    used = [(begin := int(item.network_address), begin + item.num_addresses) for item in taken]
    count = 1 << (PREFIX - pool.prefixlen)
    place = zlib.crc32(name.encode()) % count
    for index in range(count):
        here = first + ((place + index) % count << (32 - PREFIX))
        if all(end <= here or begin >= here + SIZE for begin, end in used):
            yield Subnet((here, PREFIX))


def of_networks(listed: Iterable[Mapping[str, Any]]) -> list[Subnet]:
    """The IPv4 subnets of an engine's list of networks."""
    texts = [
        str(config.get("Subnet", "")) for item in listed for config in (item.get("IPAM") or {}).get("Config") or ()
    ]
    return [Subnet(text, strict=False) for text in texts if text and ":" not in text]


def routes(path: Path = Path("/proc/net/route")) -> list[Subnet]:
    """Destinations of this machine's routes: other networks, a VPN. Excludes the default route."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return []  # not Linux
    found = []
    for line in lines:
        fields = line.split("\t")
        address, mask = (int.from_bytes(bytes.fromhex(fields[index]), "little") for index in (1, 7))
        if mask:
            found.append(Subnet((address & mask, mask.bit_count())))
    return found
