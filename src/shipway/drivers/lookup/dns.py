"""Questions to DNS servers with dnspython, which octoDNS brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shipway.domain.dns import Sighting, record_set
from shipway.domain.errors import DnsError, UsageError
from shipway.system.installation import missing_part

TIMEOUT = 3.0  # seconds of a question
MOST = 8  # authoritative servers to ask


class DnsQueries:
    """Implements ports.DnsLookup."""

    def __init__(self) -> None:
        try:
            import dns.resolver
        except ImportError as error:
            raise UsageError("DNS needs a library that is not installed", hint=missing_part("dns")) from error
        self._resolver: Any = dns.resolver

    def servers(self, zone: str) -> Sequence[str]:
        """By the zone's NS records, through this machine's resolver."""
        try:
            names = self._resolver.resolve(f"{zone}.", "NS", lifetime=2 * TIMEOUT)
            found = [self._address(str(item.target)) for item in names]
        except Exception as error:
            raise DnsError(
                f"the authoritative servers of {zone} can't be found: {' '.join(str(error).split())[:200]}",
                hint="is the zone delegated? `dns.servers` in the plan names servers to ask",
            ) from error
        return [item for item in found if item][:MOST]

    def _address(self, name: str) -> str:
        for kind in ("A", "AAAA"):
            try:
                return str(self._resolver.resolve(name, kind, lifetime=TIMEOUT)[0])
            except Exception:  # the other servers are asked
                continue
        return ""

    def ask(self, server: str, role: str, name: str, kind: str) -> Sighting:
        """By UDP, and by TCP if the answer is cut."""
        import dns.flags
        import dns.inet
        import dns.message
        import dns.query
        import dns.rcode
        import dns.rdatatype

        host, port = split(server)
        try:
            question = dns.message.make_query(f"{name}.", kind)
            if role != "resolver":
                question.flags &= ~dns.flags.RD
            answer, _ = dns.query.udp_with_fallback(question, host, TIMEOUT, port)
            rcode = answer.rcode()
            if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return Sighting(server, role, name, kind, None, problem=f"answers {dns.rcode.to_text(rcode)}")
            wanted = dns.rdatatype.from_text(kind)
            sets = [item for item in answer.answer if item.rdtype == wanted and str(item.name).lower() == f"{name}."]
        except Exception as error:
            return Sighting(server, role, name, kind, None, problem=f"no answer: {type(error).__name__}")
        values = [_text(item) for found in sets for item in found]
        return Sighting(
            server, role, name, kind, record_set(name, kind, 0, values).values, max([item.ttl for item in sets] or [0])
        )


def _text(item: Any) -> str:
    """A record's value; texts without quotation marks."""
    parts = getattr(item, "strings", None)
    return str(item) if parts is None else b"".join(parts).decode(errors="replace")


def split(server: str) -> tuple[str, int]:
    """Address and port of a server, such as 192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or [2001:db8::1]:5353."""
    host, colon, port = server.rpartition(":")
    if colon and port.isdigit() and (host.endswith("]") or ":" not in host):
        return host.strip("[]"), int(port)
    return server.strip("[]"), 53
