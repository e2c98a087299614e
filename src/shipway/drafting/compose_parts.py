"""One Compose service on its way into a draft, and what all modules about Compose ask of it."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway.drafting import env_files, images
from shipway.drafting.compose_model import REMOTE, Project
from shipway.drafting.draft import AccessoryDraft, Draft
from shipway.drafting.env_files import EnvFile
from shipway.drafting.files import inside
from shipway.drafting.interpolation import expand
from shipway.drafting.variables import Source, entries


@dataclass
class Part:
    """A service of the project. folder: of its build; None without one."""

    name: str
    raw: dict[str, Any]
    folder: str | None = None
    dockerfile: str = "Dockerfile"
    image: str = ""  # as in the file, or the one that its Dockerfile begins with
    base: str = ""  # the image that its Dockerfile comes from
    why: str = ""  # why it is built, where the file doesn't say so

    @property
    def command(self) -> str:
        """Entrypoint and command as one text."""
        return " ".join(filter(None, (text_of(self.raw.get("entrypoint")), text_of(self.raw.get("command")))))

    @property
    def mounts(self) -> list[dict[str, str]]:
        """In long form."""
        return [item for item in self.raw.get("volumes") or [] if isinstance(item, dict)]

    @property
    def labels(self) -> dict[str, str | None]:
        """Also those under `deploy`."""
        deploy = self.raw.get("deploy") or {}
        return {**entries(deploy.get("labels")), **entries(self.raw.get("labels"))}

    @property
    def ports(self) -> list[int]:
        """The published ports in the container."""
        return ports_of(self.raw.get("ports"))

    @property
    def exposed(self) -> list[int]:
        """Ports that only other containers reach."""
        return ports_of(self.raw.get("expose"))


@dataclass
class Reading:
    """A project that is read into a draft. accessories: by Compose name."""

    root: Path
    project: Project
    draft: Draft
    parts: dict[str, Part] = field(default_factory=dict)
    accessories: dict[str, AccessoryDraft] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # in the plan
    asked: dict[str, str] = field(default_factory=dict)  # missing env_files, and the service that asks for them
    env_cache: dict[str, EnvFile] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file that is named in messages."""
        return self.project.files[-1]

    def env_file(self, path: str) -> EnvFile:
        """One of the files of settings."""
        if path not in self.env_cache:
            self.env_cache[path] = env_files.read(self.root, path)
        return self.env_cache[path]

    def variables(self, part: Part) -> dict[str, tuple[str | None, Source, bool]]:
        """Variables of a service as they stand in the files, their source, and whether that is only a sample of another
        environment."""
        env = self.project.env
        found: dict[str, tuple[str | None, Source, bool]] = {}
        for path in part.raw.get("env_file") or []:
            file = self.env_file(path)
            source = Source({**env, **file.values}, file.file or path, file.sample, file.private)
            found |= {name: (f"${{{name}}}", source, file.development) for name in file.values}
        source = Source(env, self.project.env_file or "", self.project.env_sample, self.project.env_private)
        return found | {name: (raw, source, False) for name, raw in entries(part.raw.get("environment")).items()}

    def text(self, name: str, raw: str | None, source: Source) -> str:
        """A variable's value with all that is known, to compare it."""
        return expand(f"${{{name}}}" if raw is None else raw, source.env, sample=source.sample).text

    def texts(self, part: Part) -> dict[str, str]:
        """All values of a service, to compare them."""
        return {name: self.text(name, raw, source) for name, (raw, source, _) in self.variables(part).items()}


def part_of(root: Path, name: str, raw: dict[str, Any]) -> Part:
    """Read what a service is built from."""
    part = Part(name, raw, image=re.sub(r"^/+|:$", "", str(raw.get("image") or "")))
    build = raw.get("build")
    if isinstance(build, dict):
        context = str(build.get("context") or ".")
        part.folder = "." if REMOTE.match(context) else posixpath.normpath(context)
        part.dockerfile = posixpath.normpath(str(build.get("dockerfile") or "Dockerfile"))
        if not part.folder.startswith("..") and inside(root, posixpath.join(part.folder, part.dockerfile)) is None:
            part.folder, part.dockerfile = "..", "Dockerfile"  # reported as outside of the repository
        file = posixpath.join(part.folder, part.dockerfile)
        target = build.get("target")
        final = images.stage(images.stages(root, file), target if isinstance(target, str) else None)
        part.base = final.base if final else ""
    return part


def text_of(raw: Any) -> str | None:
    """A command in one line; None without one."""
    if isinstance(raw, list):
        return shlex.join(str(word) for word in raw) or None
    return " ".join(str(raw).split()) or None if raw else None


def ports_of(raw: Any) -> list[int]:
    """The ports in the container, from `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `9000-9001` or {target: 80}."""
    found = list[int]()
    for item in raw if isinstance(raw, list) else []:
        text = str(item.get("target", "") if isinstance(item, dict) else item)
        match = re.search(r"(\d{1,5})(?:-(\d{1,5}))?(?:/\w+)?$", text)
        if match:
            found += [port for port in (int(match[1]), int(match[2] or match[1])) if 0 < port < 65536]
    return list(dict.fromkeys(found))


def published(raw: Any) -> list[str]:
    """The ports of the machine that lead to the container."""
    found = []
    for item in raw if isinstance(raw, list) else []:
        text = str(item.get("published") or "") if isinstance(item, dict) else str(item)
        parts = text.split("/")[0].split(":")
        found += [parts[0]] if isinstance(item, dict) and parts[0] else [parts[-2]] if len(parts) > 1 else []
    return found


def mapping(value: Any) -> Mapping[str, Any]:
    """The mapping, or an empty one."""
    return value if isinstance(value, dict) else {}
