"""What one file of a platform declares about an app."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from shipway.domain.shell_syntax import shell_syntax, through_shell
from shipway.drafting.draft import AccessoryDraft, ServiceDraft
from shipway.drivers.accessories import known_volumes

MAIN = "app"  # the process of an app that has only one name


@dataclass
class Declared:
    """folder: of the app, which is the whole repository for `.`. Its services have names of the file; MAIN stands for
    the app's own. A service without an image and without a folder is built by the app's Dockerfile."""

    file: str
    folder: str
    services: list[ServiceDraft] = field(default_factory=list)
    accessories: list[AccessoryDraft] = field(default_factory=list)
    dockerfiles: dict[str, str] = field(
        default_factory=dict
    )  # by service: the file's path, where the platform names it
    contexts: dict[str, str] = field(default_factory=dict)  # by service: the folder, where the platform names it
    arguments: dict[str, str] = field(default_factory=dict)  # of every build
    release: str | None = None  # the command that runs before each release
    environment: dict[str, str] = field(default_factory=dict)  # of every service
    secrets: list[str] = field(default_factory=list)  # of every service
    given: dict[str, str] = field(default_factory=dict)  # variables by the kind of accessory whose address they hold
    sets_port: int | None = None  # the port that the platform assigns by PORT; None: it doesn't
    name: str | None = None
    url: str | None = None
    hosts: list[str] = field(default_factory=list)
    registry: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


# Images for what a platform provides as a service of its own.
IMAGES = {
    "postgres": "postgres:16",
    "mysql": "mysql:8.4",
    "redis": "redis:7",
    "rabbitmq": "rabbitmq:3.13",
    "mongo": "mongo:7",
    "memcached": "memcached:1.6",
}
# Ports and addresses of those that are no kind of their own in a plan.
OTHERS = {
    "rabbitmq": (5672, "amqp://{host}:{port}"),
    "mongo": (27017, "mongodb://{host}:{port}"),
    "memcached": (11211, "{host}:{port}"),
    "elasticsearch": (9200, "http://{host}:{port}"),
    "meilisearch": (7700, "http://{host}:{port}"),
}
_WITHOUT_DATA = ("redis", "memcached")


def accessory(name: str, kind: str, image: str, provides: str | None, why: str) -> AccessoryDraft:
    """An accessory of a kind of IMAGES."""
    draft = AccessoryDraft(
        name, image, kind if kind in ("postgres", "mysql", "redis") else "other", provides, why=[why]
    )
    if kind in OTHERS:
        draft.port, draft.url = OTHERS[kind]
    if kind not in _WITHOUT_DATA:
        draft.volume = next(iter(known_volumes(image)), None)
    return draft


def command(text: str | None) -> str | None:
    """A command for the plan: by a shell if it needs one. The program replaces the shell, so that it gets SIGTERM."""
    text = " ".join((text or "").split())
    if not text:
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    assigned = re.match(r"[A-Za-z_]\w*=", words[0]) if words else None
    if not words or not (shell_syntax(text) or assigned or words[0] in ("cd", "exec", "export", "source", ".")):
        return text
    head, operator, last = _last(text)
    if re.search(r"[|&<>`()]|\bif\b|\bfor\b|\bwhile\b", last.replace("2>&1", "")) or last.startswith(
        ("exec ", "cd ", "export ")
    ):
        return through_shell(text)
    program = f"exec env {last}" if re.match(r"[A-Za-z_]\w*=", last) else f"exec {last}"
    return through_shell(f"{head}{operator}{program}")


def _last(text: str) -> tuple[str, str, str]:
    """The last command of a sequence, and what is before it."""
    match = re.fullmatch(r"(.*)(&&\s+|;\s+)(.+)", text)
    if match is None or match[1].count("'") % 2 or match[1].count('"') % 2:
        return "", "", text
    return match[1], match[2], match[3]
