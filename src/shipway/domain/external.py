"""The address of an external service, which a managed platform runs: a secret of the environment. Pure.

No message contains a part of the address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from urllib.parse import parse_qsl, unquote, urlsplit

from shipway.domain.value import dataclass

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
_JDBC = "jdbc:"
_IN_QUERY = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "database"}


@dataclass(frozen=True)
class Address:
    """The parts of an address, decoded; empty where it lacks one. `hosts` are separated by commas."""

    scheme: str  # without the name of a driver, which follows a `+`
    hosts: str
    port: int | None
    user: str
    password: str = field(repr=False)
    database: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)  # of its query, such as sslmode

    @property
    def confidential(self) -> dict[str, str]:
        """What no output may contain, by the part's name."""
        named = {"password": self.password, "host": self.hosts if "." in self.hosts else ""}
        return {name: value for name, value in named.items() if value}


def parse(address: str) -> Address:
    """Read an address. ValueError, without a part of the address, if it is none."""
    text = address.strip().removeprefix(_JDBC)
    try:
        parts = urlsplit(text)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ValueError("it is no URL; are special characters of its password percent-encoded?") from None
    if not parts.scheme or "://" not in text:
        raise ValueError("it is no URL, such as SCHEME://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require")
    login, _, location = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    given = {
        "user": unquote(user), "password": unquote(password), "database": unquote(parts.path.removeprefix("/")),
    }  # fmt: skip
    inside = {_IN_QUERY[key]: value for key, value in query.items() if key in _IN_QUERY}
    given |= {key: value for key, value in inside.items() if value and key in given}
    hosts, port = _location(location or inside.get("host", ""), inside.get("port", ""))
    return Address(
        parts.scheme.partition("+")[0].lower(), hosts, port, given["user"], given["password"], given["database"],
        {key: value for key, value in query.items() if key not in _IN_QUERY},
    )  # fmt: skip


def problem(address: str, schemes: Collection[str], *, login: bool) -> str:
    """Why an address can't be used, without a part of it; empty if it can. schemes: the valid ones; none: any. login:
    whether it must have a user and a database."""
    try:
        found = parse(address)
    except ValueError as error:
        return str(error)
    if schemes and found.scheme not in schemes:
        return f"it doesn't begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not found.hosts:
        return "it has no host"
    if any(host.strip("[]") in LOOPBACK for host in found.hosts.split(",")):
        return "its host is this machine's own loopback address, which means the container itself in a container"
    lacking = [what for what, value in (("user", found.user), ("database", found.database)) if login and not value]
    return f"it has no {' and no '.join(lacking)}" if lacking else ""


def _location(text: str, port: str) -> tuple[str, int | None]:
    """Hosts and their port; several hosts must have the same one."""
    hosts, ports = [], set()
    for item in text.split(","):
        host, colon, number = item.rpartition(":")
        if item.endswith("]") or not colon:  # an IPv6 address has colons, in brackets
            host, number = item, ""
        hosts.append(host.strip("[]"))
        ports.add(number or port)
    if len(ports) > 1:
        raise ValueError("its hosts have different ports")
    (only,) = ports
    if only and not (only.isdigit() and 0 < int(only) < 65536):
        raise ValueError(
            "its port is no number from 1 to 65535; are special characters of its password percent-encoded?"
        )
    return ",".join(hosts), int(only) if only else None
