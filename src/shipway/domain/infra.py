"""A plan of an infrastructure tool: what it would change, which digest approves it, and what it may not destroy. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from shipway.domain.errors import InfraError
from shipway.domain.plan import Host, Plan
from shipway.domain.provisioned import ADDRESSES, HOSTS, NO_HOST, Infra
from shipway.domain.release import digest_of
from shipway.domain.value import dataclass

CREATE, UPDATE, REPLACE, DESTROY, READ = "create", "update", "replace", "destroy", "read"
SIGNS = {CREATE: "+", UPDATE: "~", REPLACE: "-/+", DESTROY: "-", READ: "<="}
SHORT_DIGEST = 12  # hexadecimal digits that a person repeats
LONGEST = 200  # characters of a value that is shown
HIDDEN = "(sensitive)"


@dataclass(frozen=True)
class InfraPlace:
    """Where a tool works."""

    source: Path  # the folder with the infrastructure's code: of the protected branch's commit
    work: Path  # a private folder that stays: state, data of the tool
    secrets: Mapping[str, str]  # environment variables of the tool
    applied: bool = False  # whether infrastructure was applied, and not destroyed since


@dataclass(frozen=True)
class ResourceChange:
    """What a plan does with one resource."""

    address: str
    kind: str  # its type
    action: str  # see above
    attributes: tuple[str, ...] = ()  # what changes, one line each, without sensitive values
    holds_data: bool = False  # a database, a volume …

    @property
    def text(self) -> str:
        """As shown."""
        head = f"{SIGNS.get(self.action, self.action)} {self.address}"
        return "\n".join([head, *(f"    {item}" for item in self.attributes)])

    @property
    def destroys(self) -> bool:
        """Whether what is there ends."""
        return self.action in (REPLACE, DESTROY)


@dataclass(frozen=True)
class Output:
    """A value that the infrastructure gives."""

    value: Any  # None: not known yet
    sensitive: bool = False


@dataclass(frozen=True)
class InfraPlan:
    """What a tool would change. The tool's own plan is in a file, whose content the digest covers."""

    changes: tuple[ResourceChange, ...]
    outputs: Mapping[str, Output] = field(default_factory=dict)  # after it
    content: str = ""  # digest of the tool's file
    destroy: bool = False  # all of it
    revision: str = ""  # of the code
    settings: str = ""  # digest of the plan's `infra`
    outputs_change: bool = False

    @property
    def digest(self) -> str:
        """Equal only for the same file of the tool, which shows these changes."""
        data = [self.text, self.content, self.destroy, self.revision, self.settings]
        return digest_of(data)

    @property
    def short_digest(self) -> str:
        """As a person repeats it."""
        return self.digest.removeprefix("sha256:")[:SHORT_DIGEST]

    @property
    def text(self) -> str:
        """All changes; stable."""
        return "\n".join(item.text for item in self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be changed."""
        return not self.changes and not self.outputs_change

    def is_approved_by(self, digest: str) -> bool:
        """Whether somebody who repeats this digest, or its beginning, saw this plan."""
        given = digest.removeprefix("sha256:")
        return len(given) >= SHORT_DIGEST and self.digest.removeprefix("sha256:").startswith(given)

    def destroyed_data(self, protect: Sequence[str]) -> list[str]:
        """Addresses of resources that it destroys and that hold data, or match one of these patterns."""
        patterns = [pattern.lower() for pattern in protect]
        return [
            item.address
            for item in self.changes
            if item.destroys
            and (
                item.holds_data
                or any(fnmatchcase(text.lower(), pattern) for text in (item.address, item.kind) for pattern in patterns)
            )
        ]


def attribute_lines(change: Mapping[str, Any]) -> tuple[str, ...]:
    """What changes of a resource: from `before`, `after`, and the masks of both that name sensitive and unknown values."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ()
    lines = []
    for key in sorted({*before, *after, *(unknown if isinstance(unknown, Mapping) else ())}):
        hidden = any(_masks(change.get(mask), key) for mask in ("before_sensitive", "after_sensitive"))
        old, new = before.get(key), after.get(key)
        if _masks(unknown, key):
            if change.get("after") is not None:
                lines.append(f"{key}: {_was(old, hidden, key in before)}(known after apply)")
        elif old != new:
            lines.append(f"{key}: {_was(old, hidden, key in before)}{_shown(new, hidden)}")
    return tuple(lines)


def _was(value: Any, hidden: bool, known: bool) -> str:
    return f"{_shown(value, hidden)} → " if known and value is not None else ""


def _masks(mask: Any, key: str) -> bool:
    """Whether a mask covers a part of this attribute: true, or a structure with a true in it."""
    if isinstance(mask, bool) or mask is None:
        return bool(mask)
    return _any_true(mask.get(key)) if isinstance(mask, Mapping) else False


def _any_true(mask: Any) -> bool:
    if isinstance(mask, Mapping):
        return any(map(_any_true, mask.values()))
    return any(map(_any_true, mask)) if isinstance(mask, list | tuple) else bool(mask)


def _shown(value: Any, hidden: bool) -> str:
    text = HIDDEN if hidden else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@dataclass(frozen=True)
class Taken:
    """What Shipway takes from the outputs."""

    public: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # hosts, addresses
    secrets: Mapping[str, str] = field(default_factory=dict)  # by name of the secret


def missing_outputs(settings: Infra, known: Mapping[str, Output]) -> list[str]:
    """Names of outputs that the plan takes and the infrastructure lacks."""
    return sorted({name for name in settings.outputs.values() if name not in known})


def taken(settings: Infra, found: Mapping[str, Output]) -> Taken:
    """Values of the outputs that the plan takes. InfraError if one is missing, empty or of another kind."""
    if missing := missing_outputs(settings, found):
        known = ", ".join(sorted(found)) or "none"
        raise InfraError(
            f"the infrastructure has no output {', '.join(missing)}, which the plan takes",
            hint=f"it has: {known}; correct `infra.outputs` in the plan, or add the output",
        )
    public: dict[str, tuple[str, ...]] = {}
    secrets: dict[str, str] = {}
    for name, output in settings.outputs.items():
        value = found[output]
        if name in (HOSTS, ADDRESSES):
            public[name] = _list(output, value)
            continue
        text = value.value if isinstance(value.value, str) else json.dumps(value.value, sort_keys=True)
        if value.value is None or not text.strip():
            raise InfraError(f"the output {output} is empty: the secret {name} would be", hint="correct the output")
        secrets[name] = text
    return Taken(public, secrets)


def _list(name: str, output: Output) -> tuple[str, ...]:
    """Texts; of a host, an object with `host` and `address` is its name and its private address, separated by a blank."""
    if output.sensitive:
        raise InfraError(
            f"the output {name} is sensitive, and what it is used for is shown in logs and changesets",
            hint="remove `sensitive` from the output, or use it as a secret",
        )
    values = output.value if isinstance(output.value, list | tuple) else [output.value]
    texts = [
        f"{item['host']} {item['address']}"
        if isinstance(item, Mapping) and {"host", "address"} <= item.keys()
        else item
        for item in values
    ]
    if not texts or not all(isinstance(item, str) and item.strip() for item in texts):
        raise InfraError(f"the output {name} is not a list of texts", hint="make it a list of strings")
    return tuple(texts)


def host_of(text: str) -> Host:
    """A host as recorded: its name, and after a blank its private address."""
    name, _, address = text.partition(" ")
    return Host(name, address or None)


def configured(plan: Plan, outputs: Callable[[str], Mapping[str, Sequence[str]]]) -> Plan:
    """The plan with the hosts that the infrastructure gave. outputs: public ones by environment, as last taken. An
    environment whose infrastructure was never applied has a host that can't be reached."""
    changed = {}
    for name, environment in plan.environments.items():
        if environment.infra is not None and HOSTS in environment.infra.outputs:
            found = tuple(map(host_of, outputs(name).get(HOSTS, ()))) or (Host(NO_HOST),)
            changed[name] = replace(environment, hosts=found)
    return replace(plan, environments={**plan.environments, **changed}) if changed else plan


def lock_holder(output: str) -> str | None:
    """Who holds the lock of a state, as the tool reports it; None: it is not locked."""
    if "Error acquiring the state lock" not in output and "state is locked" not in output.lower():
        return None
    found = dict(re.findall(r"^[\s│|]*(ID|Who|Operation|Created):[ \t]+(\S.*)$", output, re.MULTILINE))
    return ", ".join(f"{key.lower()} {value.strip()}" for key, value in found.items()) or "unknown"
