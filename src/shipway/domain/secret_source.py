"""Where an environment's secrets come from, other than the ledger. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from shipway.domain.value import dataclass

AGE, SOPS, VARIABLES, COMMAND, VAULT = "age", "sops", "environment", "command", "vault"
AWS_SECRETS, AWS_PARAMETERS = "aws-secrets", "aws-parameters"
VARIABLE = re.compile(r"[A-Za-z0-9_]+")  # what the end of a variable's name may be
FILES = (AGE, SOPS)  # encrypted files of the repository: part of each commit
PREFIX = "SHIPWAY_SECRET"  # of those variables' names
NEVER, FALLBACK, OVERRIDE = "never", "fallback", "override"


@dataclass(frozen=True)
class SecretSource:
    """One provider of secrets, and the names that it provides."""

    kind: str
    place: str = ""  # age, sops: file of the repository; command: its name; vault: address; aws: region
    path: str = ""  # folder or secret within the provider
    names: Mapping[str, str] = field(default_factory=dict)  # name: key there; empty: all names, with the same keys
    ledger: str = NEVER  # which values of `shipway secret set` count: none; those that it lacks; all that are set

    @property
    def text(self) -> str:
        """The provider for messages, as in: vault https://vault.example:8200 secret/shop."""
        return " ".join(item for item in (self.kind, self.place, self.path) if item)

    @property
    def reach(self) -> list[str]:
        """What it reads, an item for each name: a commit may only read what a rule set in force lists."""
        use = "" if self.ledger == NEVER else f" (ledger: {self.ledger})"
        each = [f"{name} = {key}" for name, key in self.names.items()] or ["every name"]
        return [f"{self.text}{use}: {item}" for item in each]


@dataclass(frozen=True)
class ProvidedSecret:
    """A value, and the provider's own version of it."""

    value: str = field(repr=False)  # bytes that are not UTF-8 are surrogate halves, see `secret_value.as_text`
    version: str = ""  # empty: the provider keeps none


@dataclass(frozen=True)
class Provided:
    """What providers have for a deployment."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    versions: Mapping[str, int] = field(default_factory=dict)  # of the ledger's copies; of a dry run, those to come
    lacking: frozenset[str] = frozenset()  # optional names that no provider has


@dataclass(frozen=True)
class Origin:
    """When a version of a secret became known, and from where."""

    version: int  # of the ledger
    source: str = ""  # see SecretSource.text; empty: a person set it
    source_version: str = ""
    at: float = 0.0  # seconds since the epoch


@dataclass(frozen=True)
class SecretAge:
    """A secret of the current deployment, and since when its value is known."""

    name: str
    since: float  # seconds since the epoch
    source: str = ""  # provider; empty: the ledger


def ages(origins: Mapping[str, Sequence[Origin]], versions: Mapping[str, int]) -> tuple[SecretAge, ...]:
    """Of the secrets with a record, oldest first. versions: those in use."""
    found = []
    for name, version in versions.items():
        own = [item for item in origins.get(name, ()) if item.version == version]
        found += [SecretAge(name, min(item.at for item in own), own[-1].source)] if own else []
    return tuple(sorted(found, key=lambda item: (item.since, item.name)))


def prefix(scope: str) -> str:
    """What the variables of an app's environment begin with, and no other's: its parts have no two underscores in a row."""
    return "__".join([PREFIX, *(part.upper().replace("-", "_") for part in scope.split("/")), ""])


def variable_problem(app: str, environment: str, keys: Iterable[str]) -> str:
    """Why variables can't have these secrets; empty if they can. In their names, two underscores end a part: with more of
    them in a part, a variable could be that of another environment."""
    for what, name in (("app", app), ("environment", environment)):
        if "--" in name or not re.fullmatch("[a-z0-9-]+", name):
            return f"the {what} {name!r} has no variable of its own: its name must have lower-case letters, digits and single hyphens"
    wrong = next((key for key in keys if not VARIABLE.fullmatch(key)), None)
    return (
        ""
        if wrong is None
        else f"no variable's name can end in {wrong!r}: letters, digits and underscores can be in it"
    )


def source_of(sources: Sequence[SecretSource], name: str) -> SecretSource | None:
    """The provider of a name: the one that lists it, else the one that lists none; None: the ledger."""
    listed = next((item for item in sources if name in item.names), None)
    return listed or next((item for item in sources if not item.names), None)


def assigned(sources: Sequence[SecretSource], names: Iterable[str]) -> list[tuple[SecretSource, dict[str, str]]]:
    """The providers that these names come from, each with its names and their keys there."""
    found: dict[int, tuple[SecretSource, dict[str, str]]] = {}
    for name in names:
        source = source_of(sources, name)
        if source is not None:
            found.setdefault(id(source), (source, {}))[1][name] = source.names.get(name, name)
    return list(found.values())


def set_by_person(origins: Sequence[Origin], newest: int | None) -> bool:
    """Whether a person set the newest version of a name, as far as recorded; a removed one was set by no one."""
    own = [item for item in origins if item.version == newest]
    return newest is not None and (not own or not own[-1].source)


def since(origins: Sequence[Origin], version: int) -> float | None:
    """Since when the value of a version is known; None: it is older than the record."""
    return min((item.at for item in origins if item.version == version), default=None)
