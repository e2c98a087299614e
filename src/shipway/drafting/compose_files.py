"""Find the Compose files of a repository, and choose those that deploy."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from shipway.domain.image import base_name
from shipway.domain.value import dataclass
from shipway.drafting import replaced
from shipway.drafting.compose_model import NotCompose, parse
from shipway.drafting.files import lenient
from shipway.planfile.sections import accessory_kind

_NAME = re.compile(
    r"^(?:docker-)?(?:compose|stack)(?:[._-](?P<after>[\w.-]+))?\.ya?ml$|^(?P<before>[\w.-]+?)[._-](?:docker-)?compose\.ya?ml$"
    r"|^(?P<alone>production|prod|local|dev|staging)\.ya?ml$"
)
_DEPLOYING = {
    "prod",
    "production",
    "deploy",
    "deployment",
    "live",
    "release",
    "server",
    "swarm",
    "stack",
    "selfhost",
    "selfhosted",
    "self",
    "hosted",
    "hosting",
    "vps",
}
_STAGING = {"staging", "stage", "preprod", "qa", "demo", "preview"}
_DEVELOPING = {
    "dev",
    "develop",
    "development",
    "local",
    "test",
    "tests",
    "testing",
    "ci",
    "e2e",
    "debug",
    "override",
    "devcontainer",
    "playground",
    "sandbox",
    "bench",
    "hmr",
}
_SKIPPED = {
    "node_modules",
    "vendor",
    "venv",
    "examples",
    "example",
    "samples",
    "test",
    "tests",
    "fixtures",
    "testdata",
    "docs",
    "dist",
    "build",
    "target",
}
_HIDDEN = {".docker", ".deploy", ".devops", ".deployment", ".compose", ".infra"}
_MOST = 40
_DEPTH = 2


@dataclass
class Choice:
    """Files to load together, and the other ones."""

    files: list[str]
    others: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    path: str
    rank: int  # 0 deploys, 1 has no suffix, 2 is for something else, 3 is for development
    services: dict[str, Any]
    includes: bool

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def complete(self) -> bool:
        """Whether each service says what it runs."""
        return self.includes or all(_runs(raw) for raw in self.services.values())

    @property
    def has_application(self) -> bool:
        """Whether it starts anything but servers such as databases."""
        return self.includes or any(not _is_backing(raw) for raw in self.services.values())


def choose(root: Path) -> Choice | None:
    """The files by which the application is deployed; None without any."""
    notes: list[str] = []
    found = sorted(
        _candidates(root, notes),
        key=lambda item: (
            item.rank,
            not item.has_application,
            item.path.count("/"),
            "postgres" not in item.path,
            len(item.path),
            item.path,
        ),
    )
    if not found:
        return Choice([], [], notes) if notes else None
    best = next((item for item in found if item.rank < 3 and item.has_application), None)
    best = best or next((item for item in found if item.has_application), found[0])
    files = [best.path]
    # A file for production without the application, such as one with its proxy, goes on top of the one that has it.
    addition = next(
        (item for item in found if item.rank == 0 and item.folder == best.folder and not item.has_application), None
    )
    if best.rank == 1 and addition is not None:
        return _chosen([best.path, addition.path], found, notes)
    base = next(
        (item for item in found if item.rank == 1 and item.folder in (best.folder, "") and item is not best), None
    )
    if base is not None and not best.complete:
        files = [base.path, best.path]
    elif not best.complete:
        override = next((item for item in found if item is not best and "override" in item.path), None)
        files += [override.path] if override else []
    return _chosen(files, found, notes)


def _chosen(files: list[str], found: list[_Candidate], notes: list[str]) -> Choice:
    return Choice(files, [item.path for item in found if item.path not in files], notes)


def _candidates(root: Path, notes: list[str]) -> Iterator[_Candidate]:
    for path in list(_paths(root, "", 0))[:_MOST]:
        match = _NAME.match(posixpath.basename(path))
        text = lenient(root / path)
        usual = match and not match["alone"]
        if not match or (match["alone"] and not re.search(r"^services\s*:", text, re.MULTILINE)):
            continue
        try:
            data = parse(root, path)
        except NotCompose as error:
            notes.append(str(error))
            continue
        services = data.get("services")
        if not (isinstance(services, dict) and services) and not data.get("include"):
            notes += [f"{path} has no `services:`: it was ignored"] if usual else []
            continue
        yield _Candidate(
            path, _rank(path, match), services if isinstance(services, dict) else {}, bool(data.get("include"))
        )


def _paths(root: Path, folder: str, depth: int) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if _NAME.match(entry.name) and (root / folder / entry.name).is_file():  # False for a link that leads to itself
            yield posixpath.join(folder, entry.name)
    for entry in entries:
        usual = not entry.name.startswith(".") or entry.name in _HIDDEN
        if depth < _DEPTH and usual and entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
            yield from _paths(root, posixpath.join(folder, entry.name), depth + 1)


def _rank(path: str, match: re.Match[str]) -> int:
    suffix = match["after"] or match["before"] or match["alone"] or ""
    if posixpath.basename(path).startswith(("stack", "docker-stack")):
        suffix += ".stack"
    words = {word for word in re.split(r"[._/-]", f"{posixpath.dirname(path)}.{suffix}".lower()) if word}
    if words & _DEVELOPING:
        return 3
    if words & _DEPLOYING:
        return 0
    own = {word for word in re.split(r"[._-]", suffix.lower()) if word}
    return 1 if not own or own & _STAGING else 2


def _runs(raw: Any) -> bool:
    build = raw.get("build") if isinstance(raw, dict) else None
    placed = isinstance(build, str) or (isinstance(build, dict) and bool({"context", "dockerfile_inline"} & {*build}))
    return isinstance(raw, dict) and (placed or bool({"image", "extends", "provider"} & {*raw}))


def _is_backing(raw: Any) -> bool:
    if not isinstance(raw, dict) or "build" in raw or "extends" in raw:
        return False
    image = str(raw.get("image") or "")
    known = accessory_kind(image) != "other" or base_name(image) in OTHERS
    return bool(image) and (known or bool(replaced.reason(image, [])) or replaced.is_proxy(image))


# Images that are no kind of their own in Shipway, but have a well-known port and address.
OTHERS = {
    "rabbitmq": (5672, "amqp://{host}:{port}"),
    "mongo": (27017, "mongodb://{host}:{port}"),
    "memcached": (11211, "memcached://{host}:{port}"),
    "elasticsearch": (9200, "http://{host}:{port}"),
    "opensearch": (9200, "http://{host}:{port}"),
    "meilisearch": (7700, "http://{host}:{port}"),
    "typesense": (8108, "http://{host}:{port}"),
    "qdrant": (6333, "http://{host}:{port}"),
    "clickhouse-server": (8123, "http://{host}:{port}"),
    "minio": (9000, "http://{host}:{port}"),
    "nats": (4222, "nats://{host}:{port}"),
    "mailpit": (1025, "smtp://{host}:{port}"),
    "mailhog": (1025, "smtp://{host}:{port}"),
    "mailcatcher": (1025, "smtp://{host}:{port}"),
    "maildev": (1025, "smtp://{host}:{port}"),
    "beanstalkd": (11300, "beanstalk://{host}:{port}"),
    "etcd": (2379, "http://{host}:{port}"),
    "keydb": (6379, "redis://{host}:{port}"),
    "dragonfly": (6379, "redis://{host}:{port}"),
    "influxdb": (8086, "http://{host}:{port}"),
    "neo4j": (7687, "bolt://{host}:{port}"),
}
