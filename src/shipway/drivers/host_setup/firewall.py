"""The firewall's rules as nftables reads them, and back.

They are a table of their own beside the engine's: a packet must pass both. Ports that the engine publishes are forwarded
before the `input` chain sees them; they are filtered by the port that was asked for, before the engine's own rules.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from shipway.domain.host_setup import FirewallState

PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
PRIVATE6 = ("fc00::/7",)
TEMPLATE = """\
# Written by `shipway host prepare`, which replaces this file.
# ports: {ports}
# trusted: {trusted}
# private: {private}
table inet shipway
delete table inet shipway
table inet shipway {{
	chain input {{
		type filter hook input priority 10; policy drop;
		ct state established,related accept
		iifname "lo" accept
		jump containers
		meta l4proto {{ icmp, ipv6-icmp }} accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
{sources}{open}	}}
	chain published {{
		type filter hook forward priority -10; policy accept;
		ct state established,related accept
		ct status dnat jump outside
	}}
	chain outside {{
		jump containers
{sources}{addresses}{forwarded}		drop
	}}
	chain containers {{
		iifname "docker0" accept
		iifname "docker_gwbridge" accept
		iifname "br-*" accept
	}}
}}
"""


def rules(ports: Sequence[str], trusted: Sequence[str], private: Sequence[str]) -> str:
    """The file of rules that leaves these ports open, without a line end at its end."""
    return TEMPLATE.format(
        ports=" ".join(ports), trusted=" ".join(trusted), private=" ".join(private),
        sources="".join(f"\t\t{_family(item)} saddr {item} accept\n" for item in trusted),
        open=_of_ports(ports, "{0} dport"), forwarded=_of_ports(ports, "meta l4proto {0} ct original proto-dst"),
        addresses="".join(
            f"\t\tct original {_family(item)} daddr {item} {_family(item)} saddr "
            f"{{ {', '.join(PRIVATE if _family(item) == 'ip' else PRIVATE6)} }} accept\n"
            for item in private
        ),
    ).strip()  # fmt: skip


def read_rules(text: str, loaded: bool, other: str) -> FirewallState:
    """What a file of rules leaves open; None for its ports if it isn't as `rules` writes it. loaded: whether it is in
    force, now and at boot."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, colon, values = line.removeprefix("# ").partition(": ")
        if line.startswith("# ") and (colon or line.endswith(":")):
            found[name.rstrip(":")] = tuple(values.split())
    if not {"ports", "trusted", "private"} <= set(found):
        return FirewallState(other=other)
    ports, trusted, private = found["ports"], found["trusted"], found["private"]
    try:
        same = rules(ports, trusted, private) == text.strip()
    except ValueError:
        same = False
    return FirewallState(ports, trusted, private, loaded and same, other)


def _of_ports(ports: Sequence[str], match: str) -> str:
    """One rule a port: nft can't read back what it lists for a set of such ports."""
    split = [port.partition("/")[::2] for port in ports]
    return "".join(f"\t\t{match.format(protocol)} {number} accept\n" for number, protocol in split)


def _family(network: str) -> str:
    return "ip" if ipaddress.ip_network(network).version == 4 else "ip6"
