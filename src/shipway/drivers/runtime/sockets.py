"""Count a container's open connections from outside, in the kernel's table of its network namespace."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.drivers.runtime.space import is_here
from shipway.drivers.runtime.usage import read_through_a_container

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine
    from shipway.ports import Runtime

TABLES = ("tcp", "tcp6")
ESTABLISHED = "01"


def connections(engine: Engine, runtime: Runtime, found: Mapping[str, Any], port: int) -> int | None:
    """Connections to a port of a running container (`found`: the engine's record); None if no method can read them."""
    networks = (found["NetworkSettings"]["Networks"] or {}).values()
    own = {
        address for item in networks for address in (item.get("IPAddress"), item.get("GlobalIPv6Address")) if address
    }
    text = _here(engine, int(found["State"]["Pid"]), own)
    if text is None:
        files = [f"/proc/net/{table}" for table in TABLES]
        text = read_through_a_container(engine, runtime, files, network_of=str(found["Id"]))
    return None if text is None else count(text, port, own)


def count(text: str, port: int, own: set[str]) -> int:
    """Count lines of /proc/net/tcp and tcp6: established, to this local port, and not from the container itself."""
    found = 0
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != ESTABLISHED or ":" not in fields[1]:
            continue
        _, local = _endpoint(fields[1])
        other, _ = _endpoint(fields[2])
        found += local == port and not other.is_loopback and str(other) not in own
    return found


def _endpoint(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """`0100007F:1F40` is 127.0.0.1 and 8000: every 4 bytes are in this machine's byte order, little-endian."""
    address, _, port = text.partition(":")
    raw = bytes.fromhex(address)
    raw = b"".join(raw[index : index + 4][::-1] for index in range(0, len(raw), 4))
    found = ipaddress.ip_address(raw)
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found, int(port, 16)


def _here(engine: Engine, process: int, own: set[str]) -> str | None:
    """Read it on this machine if the engine runs here: the namespace must have the container's addresses, since another
    machine's process number may also exist here."""
    try:
        if not process or not own or not is_here(engine.address):
            return None
        folder = Path(f"/proc/{process}/net")
        known = (folder / "fib_trie").read_text(encoding="utf-8")
        if not any(f"|-- {address}\n" in known for address in own):
            return None
        return "\n".join((folder / name).read_text(encoding="utf-8") for name in TABLES if (folder / name).exists())
    except OSError:
        return None
