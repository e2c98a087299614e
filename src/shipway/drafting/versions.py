"""The versions of languages and of servers that a repository's files name, as images."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from shipway.drafting.builds import Build
from shipway.drafting.tree import Tree, above, join, mapping, text_of, within

DEFAULTS = {"python": "3.12", "node": "22", "ruby": "3.3", "go": "1.23", "php": "8.3", "bun": "1", "java": "21"}
_OFFICIAL = {
    "python": "python",
    "node": "node",
    "ruby": "ruby",
    "go": "golang",
    "php": "php",
    "bun": "oven/bun",
    "java": "maven",
}
_SERVERS = re.compile(
    r"^\s*(?:-\s*)?image:\s*[\"']?((?:[\w.-]+/)*(?:postgres|postgis|mysql|mariadb|redis|valkey|rabbitmq|mongo|memcached|timescaledb):\d[\w.-]*)"
    r"|[{,]\s*image:\s*[\"']?((?:[\w.-]+/)*(?:postgres|postgis|mysql|mariadb|redis|valkey|rabbitmq|mongo|memcached):\d[\w.-]*)",
    re.MULTILINE,
)  # fmt: skip
_TOOLS = {
    "python": "python",
    "node": "nodejs",
    "ruby": "ruby",
    "go": "golang",
    "php": "php",
    "bun": "bun",
    "java": "java",
}


def image(tree: Tree, language: str, folder: str, builds: list[Build], *, slim: bool = True) -> str:
    """The image for a step: the one that the project's Dockerfile begins with, else by the version that a file names."""
    if language == "ruby" and (version := named(tree, language, folder)):
        return f"ruby:{version}"  # Bundler refuses any other
    for build in _near(builds, folder):
        for stage in build.facts.parsed:
            base = stage.base.removeprefix("docker.io/").removeprefix("library/")
            if base.partition(":")[0] == _OFFICIAL[language] and re.fullmatch(r"[\w./-]+:\d[\w.-]*", base):
                usable = slim and language not in ("ruby", "php")
                return base if usable else re.sub(r"-(slim|alpine|fpm|cli|apache)\b\S*", "", base)
    version = named(tree, language, folder) or DEFAULTS[language]
    if language == "java":
        return f"maven:3-eclipse-temurin-{version}"
    small = slim and language in ("python", "node")
    return f"{_OFFICIAL[language]}:{version}{'-slim' if small else ''}"


def _near(builds: list[Build], folder: str) -> Iterator[Build]:
    """Those of the folder's own project first; none of a project beside it."""
    yield from (item for item in builds if item.home == folder)
    yield from (item for item in builds if item.home != folder and _copies(item, folder))


def _copies(build: Build, folder: str) -> bool:
    if within(build.home, folder) is not None:
        return True
    if build.home != "." and within(folder, build.home) is not None:
        return True
    below = within(folder, build.context)
    if below is None or build.home != ".":
        return False
    return below == "." or any(copy.source.strip("./").startswith(below) for copy in build.facts.copies)


def named(tree: Tree, language: str, folder: str) -> str | None:
    """The version that a file of the folder, or of one above it, names: `3.12`."""
    for place in above(folder):
        found = next((version for version in _read(tree, language, place) if version), None)
        if found:
            return found
    return None


def _read(tree: Tree, language: str, folder: str) -> Iterator[str | None]:
    def text(name: str) -> str:
        return tree.text(join(folder, name))

    tools = re.search(
        rf"^\s*[\"']?(?:{_TOOLS[language]}|{language})[\"']?[ =]+[\"']?(\d[\w.]*)",
        text(".tool-versions") + "\n" + text("mise.toml"),
        re.MULTILINE,
    )
    if language == "python":
        yield _first(text(".python-version"))
        yield _first(text("runtime.txt").removeprefix("python-"), minor=True)
        yield tools and _minor(tools[1])
        project = tree.toml(join(folder, "pyproject.toml")) if tree.is_file(join(folder, "pyproject.toml")) else {}
        yield _bound(text_of(mapping(project.get("project")).get("requires-python")))
        poetry = mapping(mapping(project.get("tool")).get("poetry"))
        yield _bound(text_of(mapping(poetry.get("dependencies")).get("python")))
        match = re.search(r"python_version\s*=\s*\"(\d+\.\d+)\"", text("Pipfile"))
        yield match and match[1]
    elif language == "node":
        yield _first(text(".nvmrc")) or _first(text(".node-version"))
        yield tools and _first(tools[1])
        package = mapping(tree.json(join(folder, "package.json"))) if tree.is_file(join(folder, "package.json")) else {}
        yield _first(text_of(mapping(package.get("volta")).get("node")) or "")
        yield _bound(text_of(mapping(package.get("engines")).get("node")))
    elif language == "bun":
        package = mapping(tree.json(join(folder, "package.json"))) if tree.is_file(join(folder, "package.json")) else {}
        match = re.fullmatch(r"bun@(\d[\w.]*)", text_of(package.get("packageManager")) or "")
        yield match and match[1]
        yield (
            _first(text(".bun-version"))
            or (tools and tools[1])
            or _bound(text_of(mapping(package.get("engines")).get("bun")))
        )
    elif language == "ruby":
        yield _first(text(".ruby-version").strip().removeprefix("ruby-"))
        yield tools and tools[1]
        match = re.search(r"^\s*ruby\s+[\"'](?:[~>=]+\s*)?(\d[\d.]*)[\"']", text("Gemfile"), re.MULTILINE)
        yield match and match[1]
    elif language == "go":
        match = re.search(r"^go\s+(\d+\.\d+)", text("go.mod"), re.MULTILINE)
        yield match and match[1]
    elif language == "php":
        data = mapping(tree.json(join(folder, "composer.json"))) if tree.is_file(join(folder, "composer.json")) else {}
        yield _bound(text_of(mapping(data.get("require")).get("php")))
    elif language == "java":
        match = re.search(
            r"<(?:java\.version|maven\.compiler\.release|maven\.compiler\.source)>\s*(\d+)|languageVersion.*?(\d+)|sourceCompatibility.*?(\d+)",
            text("pom.xml") + text("build.gradle") + text("build.gradle.kts"),
        )
        yield match and next(group for group in match.groups() if group)


def _first(text: str, *, minor: bool = False) -> str | None:
    """`v20.11.1` becomes 20.11.1; a name such as lts/iron is unknown."""
    match = re.match(r"\s*v?(\d+(?:\.\d+){0,2})\b", text)
    return (_minor(match[1]) if minor else match[1]) if match else None


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])


def _bound(text: str | None) -> str | None:
    """The lowest version that a range allows: `>=3.11,<4` becomes 3.11, `20.x` becomes 20."""
    match = re.search(
        r"(?<![<.\d])(?:[\^~>=]|v|\s)*(\d+(?:\.\d+)?)", re.sub(r"<=?\s*[\d.]+|!=\s*[\d.*]+", "", text or "")
    )
    return match[1] if match else None


def servers(tree: Tree) -> dict[str, tuple[str, str]]:
    """Images of databases and the like that files for development and CI name, by kind, with the file."""
    found: dict[str, tuple[str, str]] = {}
    for path in tree.files:
        name = posixpath.basename(path)
        if not name.endswith((".yml", ".yaml")):
            continue
        if not (
            path.startswith((".github/", ".devcontainer/", ".circleci/"))
            or "compose" in name
            or name == ".gitlab-ci.yml"
        ):
            continue
        for match in _SERVERS.finditer(tree.text(path)):
            image_ = (match[1] or match[2]).removeprefix("docker.io/").removeprefix("library/")
            base = image_.rpartition("/")[2].partition(":")[0]
            kind = {"postgis": "postgres", "timescaledb": "postgres", "mariadb": "mysql", "valkey": "redis"}.get(
                base, base
            )
            found.setdefault(kind, (image_, path))
    return found
