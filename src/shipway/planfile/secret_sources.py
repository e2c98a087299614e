"""The key `secrets_from` of an environment: providers of its secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from shipway.domain.secret_source import (
    AGE,
    AWS_PARAMETERS,
    AWS_SECRETS,
    COMMAND,
    FALLBACK,
    NEVER,
    OVERRIDE,
    SOPS,
    VARIABLES,
    VAULT,
    SecretSource,
)
from shipway.planfile import values as v
from shipway.planfile.kinds import Choice, Several, Text
from shipway.planfile.mappings import ByName, OneOrMapping, Record

# Segments begin with no dot, so that no key climbs out of `path`, and with no dash, so that none is an option of a program.
_SEGMENT = "[A-Za-z0-9_@+][A-Za-z0-9_.@+ -]*"


def source(
    names: Mapping[str, str] | Sequence[str] = (), path: str = "", ledger: str = NEVER, service: str = AWS_SECRETS,
    **place: Any,
) -> SecretSource:  # fmt: skip
    """One provider; of a list of names, the keys have the same names."""
    keys = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    kind, where = next(iter(place.items()), ("", ""))
    kind = service if kind == "aws" else kind
    return SecretSource(kind, "" if where is True else str(where), path, keys, ledger)


def _vault(text: str) -> str:
    """The address without a path. ValueError if the token would cross a network unencrypted."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError(f"`{text}` is not an address such as https://vault.example:8200")
    if parts.query or parts.fragment:
        raise ValueError(f"`{text}` is not an address such as https://vault.example:8200")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("would send the token and the secrets unencrypted: use https")
    return text.rstrip("/")


KEY = Text(
    "a key of the provider, such as DATABASE_URL, db/password or db#password",
    rf"^{_SEGMENT}(/{_SEGMENT})*(#[^#/\s]+)?$",
    most=200,
)
SOURCE = Record(
    source,
    {
        AGE: Text("a file of the repository, such as secrets/production.age", v.INSIDE.pattern),
        SOPS: Text("a YAML or JSON file of the repository, such as secrets/production.yaml", r"^(?!/)(?!(.*/)?\.\.(/|$)).*\S\.(ya?ml|json)$"),
        VARIABLES: v.TRUE,
        COMMAND: Text("the name of a command in the operator's secret-providers.toml, such as onepassword", r"^[a-z0-9][a-z0-9-]{0,40}$"),
        VAULT: Text("an address such as https://vault.example:8200", convert=_vault),
        "aws": Text("a region, such as eu-central-1", r"^[a-z]{2}(-[a-z]+)+-[0-9]+$"),
        "service": Choice({"secrets": AWS_SECRETS, "parameters": AWS_PARAMETERS}),
        "path": Text("a path such as secret/catalogue/production", rf"^/?{_SEGMENT}(/{_SEGMENT})*/?$", lambda text: text.rstrip("/"), most=500),
        "names": OneOrMapping(Several(v.SECRET, filled=True), ByName(KEY, v.VARIABLE_PATTERN, v.VARIABLE_WORDS, "DATABASE_PASSWORD: db#password", 1)),
        "ledger": Choice({item: item for item in (NEVER, FALLBACK, OVERRIDE)}),
    },
    exactly_one=(AGE, SOPS, VARIABLES, COMMAND, VAULT, "aws"),
    together={"service": ("aws",), VAULT: ("path",)},
)  # fmt: skip
SOURCES = Several(SOURCE, filled=True)
