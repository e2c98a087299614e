"""The variables of libpq, PostgreSQL's client library: a password in an argument would be visible to other users."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

# Parameters of an address, and their variables. Services and tools may use further ones, which libpq doesn't know.
PARAMETERS = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL", "sslsni": "PGSSLSNI", "sslcompression": "PGSSLCOMPRESSION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION", "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE", "require_auth": "PGREQUIREAUTH",
    "target_session_attrs": "PGTARGETSESSIONATTRS", "connect_timeout": "PGCONNECT_TIMEOUT", "hostaddr": "PGHOSTADDR",
    "options": "PGOPTIONS", "application_name": "PGAPPNAME",
}  # fmt: skip
# How other drivers spell `sslmode`.
_SSL = {"true": "require", "1": "require", "no-verify": "require", "false": "disable", "0": "disable"}


def variables(url: str) -> dict[str, str]:
    """The address of a database, without what the URL leaves out."""
    parts = urlsplit(url)
    values: tuple[tuple[str, str | int | None], ...] = (
        ("PGHOST", parts.hostname), ("PGPORT", parts.port), ("PGUSER", parts.username), ("PGPASSWORD", parts.password),
        ("PGDATABASE", parts.path.removeprefix("/")),
    )  # fmt: skip
    return {name: unquote(str(value)) for name, value in values if value} | of_parameters(dict(parse_qsl(parts.query)))


def of_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """The variables of an address's parameters, TLS among them."""
    found = {PARAMETERS[name]: value for name, value in parameters.items() if name in PARAMETERS}
    ssl = parameters.get("ssl") or parameters.get("sslmode", "")
    if "sslmode" not in parameters or ssl in _SSL:
        found |= {"PGSSLMODE": _SSL.get(ssl, ssl)} if ssl else {}
    return found
