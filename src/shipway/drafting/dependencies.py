"""The packages that a repository's manifests name, by folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shipway.drafting.tree import Tree, items, mapping, text_of, within

PYTHON, NODE, RUBY, GO, PHP, JAVA = "python", "node", "ruby", "go", "php", "java"
_LINE = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*([^;#]*)")


@dataclass
class Project:
    """What one folder's manifests say. Names are in lower case with hyphens."""

    folder: str
    language: str
    file: str  # the manifest
    packages: dict[str, str] = field(default_factory=dict)  # name, with extras in brackets, and version as written
    development: dict[str, str] = field(default_factory=dict)  # needed for tests and tools only
    sources: dict[str, str] = field(default_factory=dict)  # package: the file that names it

    def has(self, *names: str) -> bool:
        """Whether one of the packages is named, for development or not."""
        return any(name in self.packages or name in self.development for name in names)

    def version(self, name: str) -> str:
        """The version of a package as written; empty if there is none."""
        return self.packages.get(name) or self.development.get(name) or ""


def find(tree: Tree) -> list[Project]:
    """All projects, the upper ones first."""
    found: list[Project] = []
    for folder in _with_manifest(tree):
        names = {*tree.names(folder)}
        readers = (_python, _node, _ruby, _go, _php, _java)
        found += [
            project
            for read in readers
            if (project := read(tree, folder, names)) is not None and not _part(project, found)
        ]
    return found


def _part(project: Project, found: list[Project]) -> bool:
    """Whether a folder with nothing but manage.py belongs to a project above it."""
    above = (item for item in found if item.language == PYTHON and within(project.folder, item.folder) is not None)
    return project.file == "manage.py" and any(above)


def _with_manifest(tree: Tree) -> Iterator[str]:
    manifests = {"pyproject.toml", "Pipfile", "setup.py", "setup.cfg", "package.json", "Gemfile", "go.mod", "composer.json", "pom.xml", "build.gradle", "build.gradle.kts", "manage.py"}  # fmt: skip
    seen = dict.fromkeys(
        posixpath.dirname(path) or "."
        for path in tree.files
        if (name := posixpath.basename(path)) in manifests or _requirements(name) or "/requirements/" in f"/{path}"
    )
    # Files in a folder `requirements` belong to the folder above.
    yield from dict.fromkeys(
        posixpath.dirname(name) or "." if posixpath.basename(name) == "requirements" else name for name in seen
    )


def _requirements(name: str) -> bool:
    return re.fullmatch(r"(\w+[-_.])*requirements([-_.]\w+)*\.txt", name) is not None


def requirement_files(tree: Tree, folder: str) -> list[str]:
    """The requirement files of a folder, relative to it."""
    here = [name for name in tree.names(folder) if _requirements(name)]
    below = posixpath.join(folder, "requirements") if folder != "." else "requirements"
    return here + [f"requirements/{name}" for name in tree.names(below) if name.endswith(".txt")]


_DEVELOPMENT = re.compile(r"dev|test|lint|ci|docs?|local|type", re.IGNORECASE)


def _python(tree: Tree, folder: str, names: set[str]) -> Project | None:
    files = requirement_files(tree, folder)
    if not files and not names & {"pyproject.toml", "Pipfile", "setup.py", "setup.cfg", "manage.py"}:
        return None
    manifest = next(
        (
            name
            for name in ("pyproject.toml", "Pipfile", *files, "setup.py", "setup.cfg")
            if name in names or name in files
        ),
        "manage.py",
    )
    found = Project(folder, PYTHON, manifest)
    for file in files:
        for line in tree.text(posixpath.join(folder, file)).splitlines():
            if not line.lstrip().startswith(("-", "#")):
                _requirement(found, line, file, development=_DEVELOPMENT.search(posixpath.basename(file)) is not None)
    if "pyproject.toml" in names:
        _pyproject(found, tree.toml(posixpath.join(folder, "pyproject.toml")))
    pipfile = tree.toml(posixpath.join(folder, "Pipfile")) if "Pipfile" in names else {}
    for section, development in (("packages", False), ("dev-packages", True)):
        for name, value in mapping(pipfile.get(section)).items():
            _add(found, name, text_of(value) or "", "Pipfile", development)
    return found


def _pyproject(found: Project, data: dict[str, Any]) -> None:
    file, project, poetry = (
        "pyproject.toml",
        mapping(data.get("project")),
        mapping(mapping(data.get("tool")).get("poetry")),
    )
    for item in items(project.get("dependencies")):
        _requirement(found, str(item), file, development=False)
    for name, listed in (
        *mapping(project.get("optional-dependencies")).items(),
        *mapping(data.get("dependency-groups")).items(),
    ):
        for item in items(listed):
            if isinstance(item, str):
                _requirement(found, item, file, development=True, group=name)
    for item in items(mapping(mapping(data.get("tool")).get("uv")).get("dev-dependencies")):
        _requirement(found, str(item), file, development=True)
    groups = {name: mapping(mapping(group).get("dependencies")) for name, group in mapping(poetry.get("group")).items()}
    groups["dev"] = {**groups.get("dev", {}), **mapping(poetry.get("dev-dependencies"))}
    for name, value in mapping(poetry.get("dependencies")).items():
        extras = items(mapping(value).get("extras"))
        given = text_of(mapping(value).get("version")) if isinstance(value, dict) else text_of(value)
        if name != "python":
            _add(found, name + (f"[{','.join(map(str, extras))}]" if extras else ""), given or "", file, False)
    for group in groups.values():
        for name, value in group.items():
            _add(found, name, text_of(value) or "", file, True)


def _requirement(found: Project, line: str, file: str, *, development: bool, group: str = "") -> None:
    match = _LINE.match(line)
    if match:
        _add(
            found,
            match[1] + (match[2] or "").replace(" ", ""),
            match[3].strip(),
            f"{file} ({group})" if group else file,
            development,
        )


def _add(found: Project, name: str, version: str, file: str, development: bool) -> None:
    base, bracket, extras = name.partition("[")
    base = re.sub(r"[-_.]+", "-", base.lower()) if found.language == PYTHON else base.lower()
    target = found.development if development else found.packages
    if development and base in found.packages:
        return
    target[base] = version
    if bracket:
        for extra in extras.rstrip("]").split(","):
            target[f"{base}[{extra.lower()}]"] = version
    found.sources.setdefault(base, file)


def _node(tree: Tree, folder: str, names: set[str]) -> Project | None:
    if "package.json" not in names:
        return None
    data = mapping(tree.json(posixpath.join(folder, "package.json")))
    found = Project(folder, NODE, "package.json")
    for section, development in (("dependencies", False), ("optionalDependencies", False), ("devDependencies", True)):
        for name, value in mapping(data.get(section)).items():
            _add(found, name, text_of(value) or "", "package.json", development)
    return found


def _ruby(tree: Tree, folder: str, names: set[str]) -> Project | None:
    if "Gemfile" not in names:
        return None
    found = Project(folder, RUBY, "Gemfile")
    development = False
    for line in tree.text(posixpath.join(folder, "Gemfile")).splitlines():
        if re.match(r"\s*group\b.*\bdo\b", line):
            development = not re.search(r":production|:default", line)
        elif re.match(r"end\b", line):
            development = False
        match = re.match(r"\s*gem\s+[\"']([\w-]+)[\"'](?:\s*,\s*[\"']([^\"']+)[\"'])?", line)
        if match:
            inline = re.search(r"groups?:.*(development|test)", line) is not None and ":production" not in line
            _add(found, match[1], match[2] or "", "Gemfile", development or inline)
    return found


def _go(tree: Tree, folder: str, names: set[str]) -> Project | None:
    if "go.mod" not in names:
        return None
    found = Project(folder, GO, "go.mod")
    for match in re.finditer(
        r"^\s*(?:require\s+)?([\w.-]+\.[\w-]+/\S+)\s+(v\S+)(?!.*// indirect)",
        tree.text(posixpath.join(folder, "go.mod")),
        re.MULTILINE,
    ):
        _add(found, re.sub(r"/v\d+$", "", match[1]), match[2], "go.mod", False)
    return found


def _php(tree: Tree, folder: str, names: set[str]) -> Project | None:
    if "composer.json" not in names:
        return None
    data = mapping(tree.json(posixpath.join(folder, "composer.json")))
    found = Project(folder, PHP, "composer.json")
    for section, development in (("require", False), ("require-dev", True)):
        for name, value in mapping(data.get(section)).items():
            _add(found, name, text_of(value) or "", "composer.json", development)
    return found


def _java(tree: Tree, folder: str, names: set[str]) -> Project | None:
    file = next((name for name in ("pom.xml", "build.gradle.kts", "build.gradle") if name in names), None)
    if file is None:
        return None
    found = Project(folder, JAVA, file)
    text = tree.text(posixpath.join(folder, file))
    for match in re.finditer(
        r"<artifactId>\s*([\w.-]+)\s*</artifactId>|[\"'][\w.-]+:([\w.-]+)(?::[\w.$-]+)?[\"']", text
    ):
        _add(found, match[1] or match[2], "", file, False)
    return found
