"""The packages of images, from their SBOMs, and what differs between two releases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from shipway.domain.value import dataclass

KIND = re.compile(r"pkg:([a-z0-9.+-]+)/")


@dataclass(frozen=True)
class Package:
    """One package."""

    name: str
    version: str
    kind: str  # deb, pypi, npm …
    licenses: str = ""
    purl: str = ""


@dataclass(frozen=True)
class Changed:
    """A package whose versions differ."""

    name: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True)
class PackageChanges:
    """What differs between two sets of packages."""

    added: tuple[Package, ...] = ()
    removed: tuple[Package, ...] = ()
    changed: tuple[Changed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def text(self) -> str:
        """In a line."""
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"


def packages_of(document: str) -> tuple[Package, ...]:
    """Those of a CycloneDX document, by kind and name; none of what isn't one."""
    try:
        data = json.loads(document)
        found = data.get("components", ()) if isinstance(data, dict) else ()
    except ValueError:
        return ()
    made = {_package(item) for item in found if isinstance(item, dict) and item.get("type") != "operating-system"}
    kept = [item for item in made if item.name and item.kind != "file"]
    return tuple(sorted(kept, key=lambda item: (item.kind, item.name, item.version)))


def _package(item: Mapping[str, Any]) -> Package:
    purl = str(item.get("purl") or "")
    kind = KIND.match(purl)
    group = str(item.get("group") or "")
    name = "/".join(filter(None, (group, str(item.get("name") or ""))))
    named = kind[1] if kind else str(item.get("type") or "other")
    return Package(name, str(item.get("version") or ""), named, ", ".join(_licenses(item)), purl)


def _licenses(item: Mapping[str, Any]) -> Iterable[str]:
    for entry in item.get("licenses") or ():
        if isinstance(entry, dict):
            one = entry.get("license")
            name = one.get("id") or one.get("name") if isinstance(one, dict) else entry.get("expression")
            if name:
                yield str(name)


def compared(before: Iterable[Package], after: Iterable[Package]) -> PackageChanges:
    """What differs. A package that is there in several versions has all of them, separated by commas."""
    old, new = _versions(before), _versions(after)
    return PackageChanges(
        tuple(Package(name, new[kind, name], kind) for kind, name in sorted(new.keys() - old.keys())),
        tuple(Package(name, old[kind, name], kind) for kind, name in sorted(old.keys() - new.keys())),
        tuple(
            Changed(name, kind, old[kind, name], new[kind, name])
            for kind, name in sorted(old.keys() & new.keys())
            if old[kind, name] != new[kind, name]
        ),
    )


def _versions(packages: Iterable[Package]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], set[str]] = {}
    for item in packages:
        found.setdefault((item.kind, item.name), set()).add(item.version)
    return {key: ", ".join(sorted(versions)) for key, versions in found.items()}


def spdx(name: str, document: str, created: str, tool: str) -> dict[str, Any]:
    """The same packages as an SPDX document, version 2.3."""
    listed = [
        {
            "SPDXID": f"SPDXRef-Package-{number}",
            "name": item.name,
            "versionInfo": item.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            **({"comment": f"licences: {item.licenses}"} if item.licenses else {}),
            **({"externalRefs": [_reference(item.purl)]} if item.purl else {}),
        }
        for number, item in enumerate(packages_of(document), 1)
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://shipway.dev/spdx/{name}",
        "creationInfo": {"created": created, "creators": [f"Tool: {tool}", "Tool: shipway"]},
        "documentDescribes": [item["SPDXID"] for item in listed],
        "packages": listed,
    }


def _reference(purl: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
