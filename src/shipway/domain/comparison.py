"""What differs between two releases, or between what two environments run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.plan import Environment
from shipway.domain.record import to_data
from shipway.domain.release import Release, digest_of
from shipway.domain.value import dataclass

NONE = "–"  # in place of a missing value


@dataclass(frozen=True)
class Side:
    """One of the two: a release, and the environment that runs it if that was named."""

    label: str
    release: Release
    environment: Environment | None = None  # as in the release's plan
    schema: str | None = None  # revision: of the environment's database, else the release's
    secrets: tuple[str, ...] = ()  # names that are set for the environment


@dataclass(frozen=True)
class Difference:
    """A value that differs; None: it is missing there."""

    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """All that differs; empty tuples where nothing does."""

    first: str  # labels
    second: str
    revisions: tuple[str, str]
    images: tuple[Difference, ...]  # by service or check: digests
    configuration: tuple[Difference, ...]  # by path in the plan, such as services.web.port
    secrets: tuple[Difference, ...]  # names that are set on one side only: "set" there
    schema: tuple[str | None, str | None]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        pairs = (self.revisions, self.schema)
        return not (self.images or self.configuration or self.secrets) and all(one == other for one, other in pairs)


def compare(first: Side, second: Side) -> Comparison:
    """Compare. Environments are only compared if both sides name one, and without their names and addresses of hosts."""
    return Comparison(
        first.label,
        second.label,
        (first.release.revision, second.release.revision),
        differences(first.release.images, second.release.images),
        differences(_flat(_configuration(first, second)), _flat(_configuration(second, first))),
        differences(dict.fromkeys(first.secrets, "set"), dict.fromkeys(second.secrets, "set"))
        if first.environment and second.environment
        else (),
        (first.schema, second.schema),
    )


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Difference, ...]:
    """By name, in the order of the first side."""
    return tuple(
        Difference(name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def _configuration(side: Side, other: Side) -> Mapping[str, object]:
    data = to_data(side.release.plan)
    environments = data.pop("environments")
    data |= {"files": {path: digest_of(file.content)[7:19] for path, file in side.release.files.items()}}
    if side.environment is None or other.environment is None:
        return {**data, "environments": environments}
    own = to_data(side.environment)
    own.pop("name")
    return {**data, "environment": own}


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Every leaf with its path; parts that a plan doesn't set are left out."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, item in value.items():
            # A part repeats its key as its name.
            if not (key == "name" and path):
                found |= _flat(item, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(not isinstance(item, Mapping) for item in value):
            return {path: ", ".join(map(_text, value))} if value else {}
        return {key: text for index, item in enumerate(value) for key, text in _flat(item, f"{path}[{index}]").items()}
    return {} if value is None else {path: _text(value)}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
