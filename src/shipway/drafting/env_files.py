"""Files of settings: `.env`, the `env_file` of a Compose file, and the samples that stand in for a file that git ignores."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from pathlib import Path

from shipway.drafting.files import inside, lenient

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$")
_ENDINGS = (".example", ".sample", ".template", ".tpl", ".dist", ".default", ".defaults")
_SAMPLES = (
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.default", "env.example", "env.sample",
    "example.env", "sample.env", "template.env", ".env.prod.example", ".env.production.example",
)  # fmt: skip
_DEVELOPMENT = (".env.local", ".env.dev", ".env.development")


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
            return EnvFile(path, name, parse(lenient(other)), sample=True, development=development)
    return EnvFile(path)


def _stand_ins(root: Path, path: str) -> list[tuple[str, bool]]:
    """Paths, and whether each is for development."""
    folder, _, name = path.rpartition("/")
    above = folder.rpartition("/")[0]
    near = [folder] if not folder else [folder, above, ""]
    named = [f"{path}{ending}" for ending in _ENDINGS]
    named += [_join(folder, f"{name.removeprefix('.')}{ending}") for ending in _ENDINGS]
    samples = [_join(place, sample) for place in near for sample in _SAMPLES] if "env" in name else []
    found = [(item, False) for item in dict.fromkeys([*named, *samples])]
    if folder:  # .envs/.production/.django beside .envs/.local/.django
        found += [
            (item.relative_to(root).as_posix(), True)
            for item in sorted((root / above).glob(f"*/{name}"))
            if item.parent.name != Path(folder).name
        ]
    return found + [(_join(folder, item), True) for item in _DEVELOPMENT if "env" in name]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def parse(text: str) -> dict[str, str]:
    """The variables of a file, without quotes and comments."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            found[match[1]] = _unquoted(match[2].strip())
    return found


def _unquoted(value: str) -> str:
    quoted = re.match(r"""(["'])(.*?)\1(?:\s*#.*)?$""", value)
    return quoted[2] if quoted else re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()


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
