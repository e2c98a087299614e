"""Files of settings: `.env`, the `env_file` of a Compose file, and the samples that stand in for a file that git ignores."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from shipway.domain import dotenv
from shipway.domain.value import dataclass
from shipway.drafting.files import inside, lenient
from shipway.drafting.interpolation import expand
from shipway.drafting.variables import shows_secret

_SAMPLE = {"example", "sample", "template", "tmpl", "tpl", "dist", "default", "defaults", "exemple"}
# Passwords of databases that a sample only shows: the file that it stands in for has them.
_COMMENTED = re.compile(
    r"^#\s?((?:DB|DATABASE|POSTGRES\w*|PG|MYSQL\w*|MARIADB\w*|SQL)_?(?:PASS(?:WORD)?|PWD)|SECRET_KEY)=", re.MULTILINE
)
_DEVELOPMENT = {"dev", "development", "local", "test"}
_PRODUCTION = {"prod", "production", "live"}


@dataclass(frozen=True)
class EnvFile:
    """A file of settings. file: the one that was read; None if there is neither the file nor a sample of it."""

    wanted: str
    file: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    sample: bool = False  # it stands in for another file
    development: bool = False  # … which was for another environment: only its names are of use
    private: bool = False  # git ignores it: its values are this machine's


def read(root: Path, path: str) -> EnvFile:
    """Read a file by its path from the root, or else what stands in for it."""
    found = inside(root, path)
    if found is not None and found.is_file():
        return EnvFile(path, path, parse(lenient(found)), private=ignored(root, path))
    for name, development in _stand_ins(root, path):
        other = inside(root, name)
        if other is not None and other.is_file():
            text = lenient(other)
            values = {match[1]: "" for match in _COMMENTED.finditer(text)} | parse(text)
            return EnvFile(path, name, values, sample=True, development=development)
    return EnvFile(path)


def _stand_ins(root: Path, path: str) -> Iterator[tuple[str, bool]]:
    """Paths of files that may stand in for a missing one, and whether each is for development: a sample of the same name,
    a sample of `.env`, the file of the same name in a folder beside its own, and one for another environment."""
    folder, _, name = path.rpartition("/")
    above = folder.rpartition("/")[0]
    places = list(dict.fromkeys([folder, above, ""]))
    words = _words(name)
    rest: list[tuple[int, str, bool]] = []
    for rank, place in enumerate(places):
        for other in _names(root, place):
            found = _words(other)
            where = f"{place}/{other}" if place else other
            if found & _SAMPLE and found - _SAMPLE == words:
                rest.append((rank, where, False))
            elif found & _SAMPLE and "env" in words and (found - _SAMPLE) - _PRODUCTION == {"env"}:
                rest.append((10 + rank, where, False))
            elif "env" in words and found & _DEVELOPMENT and found - _DEVELOPMENT == {"env"} and rank == 0:
                rest.append((30, where, True))
    if folder:
        rest += [
            (20, item.relative_to(root).as_posix(), True)
            for item in sorted((root / above).glob(f"*/{name}"))
            if item.parent.name != Path(folder).name
        ]
    for _, where, development in sorted(rest):
        yield where, development


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[._-]", name.lower()) if word}


def _names(root: Path, folder: str) -> list[str]:
    here = inside(root, folder)
    try:
        return (
            sorted(
                entry.name for entry in os.scandir(here) if "env" in entry.name.lower() or _words(entry.name) & _SAMPLE
            )
            if here
            else []
        )
    except OSError:
        return []


def parse(text: str) -> dict[str, str]:
    """The variables of a file. References to earlier ones of the file are replaced, unless one is missing, or confidential:
    its value would be taken for an ordinary one."""
    found: dict[str, str] = {}
    for item in dotenv.lenient(text):
        whole = expand(item.value, found) if item.reference else None
        usable = (
            whole and not whole.missing and not any(shows_secret(name, found.get(name, "")) for name in whole.names)
        )
        found[item.name] = whole.text if whole and usable else item.value
    return found


def ignored(root: Path, path: str) -> bool:
    """Whether a .gitignore of the repository names the file: only plain lines are understood, which is what there is."""
    name = path.rpartition("/")[2]
    result = False
    for line in lenient(root / ".gitignore").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = pattern.removeprefix("!").strip("/")
        if fnmatch.fnmatch(path, wanted) or fnmatch.fnmatch(name, wanted) or path.startswith(f"{wanted}/"):
            result = not pattern.startswith("!")
    return result
