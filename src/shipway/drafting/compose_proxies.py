"""Reverse proxies of a Compose project: those that only pass requests on are left out, and what they know is used."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from shipway.drafting import proxy_rules, replaced
from shipway.drafting.compose_parts import Part, Reading
from shipway.drafting.files import inside, lenient
from shipway.drafting.images import SKIPPED, stage, stages
from shipway.drafting.proxy_rules import Configuration, Rule

_CONFIGURATIONS = (".conf", ".cfg", ".template", ".caddyfile", ".yml", ".yaml", ".toml")
_MOST = 20  # files of a proxy's configuration
_SEARCHED = 300  # files of a folder that are looked at for it
_READ = 64 * 1024  # bytes of each


@dataclass
class Proxies:
    """What proxies say. rules: by Compose service. kept: proxies that stay, since they do more, and their configurations."""

    rules: dict[str, Rule] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    kept: dict[str, Configuration] = field(default_factory=dict)


def find(reading: Reading, parts: list[Part]) -> Proxies:
    """Read the configurations of proxies, and leave out those that only pass requests on. parts: all other services."""
    found = Proxies()
    for part in parts:
        configuration = _in_front(reading, part, parts)
        if configuration is None:
            continue
        if configuration.other or configuration.site:
            found.kept[part.name] = configuration
            continue
        _replace(reading, part.name, configuration)
        found.rules |= configuration.rules
        found.hosts += configuration.hosts
    for configuration in list(_left_out_proxies(reading, parts)):
        found.rules |= {name: rule for name, rule in configuration.rules.items() if name not in found.rules}
        found.hosts += configuration.hosts
    return found


def _in_front(reading: Reading, part: Part, parts: list[Part]) -> Configuration | None:
    """What the configuration of a web server passes on to other services; None if it passes nothing on."""
    image = part.base if part.folder is not None else part.image
    if not replaced.is_proxy(image):
        return None
    if part.folder is not None:
        final = stage(stages(reading.root, posixpath.join(part.folder, part.dockerfile)), None)
        if final is None or any(re.match(r"COPY\s+--from=", line, re.IGNORECASE) for line in final.lines):
            return None  # it has a site of its own in it
    found = proxy_rules.from_files(_configuration(reading, part), {other.name for other in parts if other is not part})
    return found if found.rules or found.other else None


def _left_out_proxies(reading: Reading, parts: list[Part]) -> Iterator[Configuration]:
    for name in reading.draft.left_out:
        part = reading.parts[name]
        if replaced.is_proxy(part.base or part.image):
            yield proxy_rules.from_files(_configuration(reading, part), {other.name for other in parts})


def _configuration(reading: Reading, part: Part) -> dict[str, str]:
    """The files of its configuration in the repository: those that are mounted, or are in its build's folder."""
    places = [item["source"] for item in part.mounts if item["type"] == "bind"]
    if part.folder is not None:
        places.append(posixpath.normpath(posixpath.join(part.folder, posixpath.dirname(part.dockerfile))))
        final = stage(stages(reading.root, posixpath.join(part.folder, part.dockerfile)), None)
        copied = [
            match[1]
            for line in (final.lines if final else ())
            if (match := re.match(r"COPY\s+(?!--from)(?:--\S+\s+)*(\S+)\s+\S+$", line, re.IGNORECASE))
        ]
        places += [posixpath.normpath(posixpath.join(part.folder, source)) for source in copied]
    found: dict[str, str] = {}
    for place in places:
        path = inside(reading.root, place) if not place.startswith(("/", "~", "$")) else None
        if path is None or path == reading.root.resolve():
            continue
        files = [path] if path.is_file() else list(islice(_files_below(path), _SEARCHED))
        for file in files:
            usual = file.suffix.lower() in _CONFIGURATIONS or file.name.lower().startswith("caddyfile")
            own = inside(reading.root, str(file)) is not None  # and no symbolic link to a file of the machine
            if len(found) < _MOST and own and file.is_file() and (usual or file == path):
                found[posixpath.normpath(file.relative_to(reading.root.resolve()).as_posix())] = lenient(file, _READ)
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names))


def _replace(reading: Reading, name: str, found: Configuration) -> None:
    listed = ", ".join(f"{rule.path or '/'} to {other}" for other, rule in found.rules.items())
    served = (
        f"; it also served files at {', '.join(found.serves)}: let the application serve them" if found.serves else ""
    )
    reading.draft.left_out[name] = f"Shipway's edge routes requests, as it did ({listed}){served}"
