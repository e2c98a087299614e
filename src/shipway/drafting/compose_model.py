"""A Compose project: its files with `include`, `extends`, overrides and variables applied."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway.drafting import env_files
from shipway.drafting.files import inside, lenient, plain
from shipway.drafting.interpolation import expand
from shipway.drafting.variables import SITE, entries, is_secret
from shipway.planfile.bounds import TooMuch, text_of
from shipway.planfile.document import Unreadable, compose

_RAW = ("environment", "args")  # interpolated later, where it matters which variable a value came from
_TAG = re.compile(r"^(\s*(?:- )?)([\w.-]+):([ \t]*)!(reset|override)\b", re.MULTILINE)
_REPLACED = ("command", "entrypoint", "test")
_DOMAIN = re.compile(r"\$\{?((?:\w+_)?(?:DOMAIN|FQDN|HOSTNAME)(?:_NAME)?)\b(?!:?-)")
_SHELL = {"PWD": "."} | dict.fromkeys(("UID", "GID", "WWWUSER", "WWWGROUP", "USER_ID", "GROUP_ID"), "1000")
REMOTE = re.compile(r"\w+://|git@|github\.com/")
_DEPTH = 10  # of files that include or extend others


class NotCompose(Exception):
    """A file that can't be used; the message has the reason."""


@dataclass
class Project:
    """Services by name, with paths relative to the repository's root; `environment` and `args` are not interpolated."""

    files: list[str]
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    volumes: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)  # of .env, by which the file is interpolated
    env_file: str | None = None
    env_private: bool = False
    env_sample: bool = False
    missing: dict[str, set[str]] = field(default_factory=dict)  # variables without a value, by service
    notes: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)  # all files that were read, with included and extended ones


def load(root: Path, files: list[str]) -> Project:
    """Load files, each one overriding those before it. NotCompose if one of them can't be used."""
    folder = posixpath.dirname(files[0])
    env = env_files.read(root, posixpath.join(folder, ".env"))
    if folder and (env.file is None or env.sample):
        above = env_files.read(root, ".env")
        env = above if (above.file and not above.sample) or env.file is None else env
    values = {} if env.development else env.values
    project = Project(
        list(files),
        env=dict(values),
        env_file=env.file if values else None,
        env_private=env.private,
        env_sample=env.sample,
    )
    loader = _Loader(root, project)
    for name in loader.domains(files):
        project.env[name] = project.env.get(name) or SITE
    project.env |= {name: value for name, value in _SHELL.items() if name not in project.env}
    for file in files:
        loader.add(file, folder)
    project.parsed = list(loader.parsed)
    for name, raw in project.services.items():
        _typed(raw)
        project.missing.setdefault(name, set())
    return project


def parse(root: Path, file: str) -> dict[str, Any]:
    """The content of one file as it stands. NotCompose if it can't be read."""
    path = inside(root, file)
    if path is None or not path.is_file():
        raise NotCompose(f"{file} is not in the repository")
    try:
        text = _TAG.sub(r"\1\2__\4:\3", text_of(path))
        data = plain(compose(text))
    except (Unreadable, TooMuch, OSError) as error:
        raise NotCompose(f"{file} can't be read ({error}): it was ignored") from error
    return data if isinstance(data, dict) else {}


class _Loader:
    def __init__(self, root: Path, project: Project) -> None:
        self.root, self.project = root, project
        self.parsed: dict[str, dict[str, Any]] = {}

    def domains(self, files: list[str]) -> set[str]:
        """Variables of the files that hold the site's domain."""
        texts = [lenient(path) for file in files if (path := inside(self.root, file))]
        return {match[1] for text in texts for match in _DOMAIN.finditer(text)} - {"HOSTNAME"}

    def add(self, file: str, folder: str, depth: int = 0) -> None:
        """Merge a file into the project. folder: that its paths are relative to."""
        data = self._file(file)
        for item in _items(data.get("include")):
            self._include(item, file, depth)
        for name, raw in _mapping(data.get("services")).items():
            found = self._service(name, _mapping(raw), file, folder, 0)
            self.project.services[name] = merged(self.project.services.get(name, {}), found)
        self.project.volumes |= _mapping(data.get("volumes"))
        self.project.secrets |= _mapping(data.get("secrets"))
        self.project.notes += [f"{file}: {key} was ignored" for key in data if key == "configs"]

    def _include(self, item: Any, file: str, depth: int) -> None:
        paths = item.get("path") if isinstance(item, dict) else item
        for path in _items(paths):
            other = self._path(str(path), posixpath.dirname(file))
            where = str(item.get("project_directory") or "") if isinstance(item, dict) else ""
            folder = self._path(where, posixpath.dirname(file)) if where else posixpath.dirname(other)
            try:
                if depth >= _DEPTH:
                    raise NotCompose(f"{other} includes itself")
                self.add(other, folder, depth + 1)
            except NotCompose as error:
                self.project.notes.append(f"{file}: include was ignored: {error}")

    def _service(self, name: str, raw: dict[str, Any], file: str, folder: str, depth: int) -> dict[str, Any]:
        own = self._placed(name, raw, folder)
        extends = own.pop("extends", None)
        long = extends if isinstance(extends, dict) else {"service": extends}
        if not extends or not long.get("service"):
            return own
        source = self._path(str(long["file"]), posixpath.dirname(file)) if long.get("file") else file
        try:
            base = _mapping(_mapping(self._file(source).get("services")).get(str(long["service"])))
            if not base or depth >= _DEPTH:
                raise NotCompose(f"there is no service {long['service']} in {source}")
            below = posixpath.dirname(source) if long.get("file") else folder
            found = self._service(name, base, source, below, depth + 1)
        except NotCompose as error:
            self.project.notes.append(f"{file}: extends of {name} was ignored: {error}")
            return own
        found.pop("depends_on", None)
        found.pop("profiles", None)
        return merged(found, own)

    def _file(self, file: str) -> dict[str, Any]:
        if file not in self.parsed:
            self.parsed[file] = parse(self.root, file)
        return self.parsed[file]

    def _path(self, path: str, folder: str) -> str:
        return posixpath.normpath(
            posixpath.join(folder, expand(path, self.project.env, sample=self.project.env_sample).text)
        )

    def _placed(self, name: str, raw: dict[str, Any], folder: str) -> dict[str, Any]:
        """The service with variables replaced, in long forms, and with paths from the root."""
        found: dict[str, Any] = {key: self._interpolated(name, key, value) for key, value in raw.items()}
        build = found.get("build")
        if isinstance(build, str):
            found["build"] = build = {"context": build}
        if isinstance(build, dict) and isinstance(build.get("context"), str) and not REMOTE.match(build["context"]):
            build["context"] = self._context(build, folder)
        if "env_file" in found:
            found["env_file"] = [_env_file(item, folder) for item in _items(found["env_file"])]
        if "volumes" in found:
            found["volumes"] = [_mount(item, folder) for item in _items(found["volumes"])]
        if isinstance(found.get("depends_on"), list):
            found["depends_on"] = {str(item): {} for item in found["depends_on"]}
        for key in ("environment", "labels"):
            if isinstance(found.get(key), list):
                found[key] = entries(found[key])
        for place in (found.get("build"), found.get("deploy")):
            for key in ("args", "labels"):
                if isinstance(place, dict) and isinstance(place.get(key), list):
                    place[key] = entries(place[key])
        return found

    def _context(self, build: dict[str, Any], folder: str) -> str:
        """The build's folder: from that of the file, or, as with `--project-directory`, from the root."""
        here, root = (posixpath.normpath(posixpath.join(place, build["context"])) for place in (folder, ""))
        file = str(build.get("dockerfile") or "Dockerfile")
        found = [(inside(self.root, posixpath.join(context, file)) or Path()).is_file() for context in (here, root)]
        return root if found == [False, True] else here

    def _interpolated(self, name: str, key: str, value: Any) -> Any:
        if key in _RAW:
            return value
        if isinstance(value, dict):
            return {inner: self._interpolated(name, inner, item) for inner, item in value.items()}
        if isinstance(value, list):
            return [self._interpolated(name, key, item) for item in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        found = expand(value, self.project.env, is_secret, sample=self.project.env_sample)
        if key in ("command", "entrypoint"):
            self.project.missing.setdefault(name, set()).update(found.missing)
        return found.text


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A service with another one laid over it, by the rules of Compose: mappings are merged, lists joined, commands
    replaced."""
    found = dict(base)
    for key, value in over.items():
        name = key.removesuffix("__reset").removesuffix("__override")
        before = found.get(name)
        if key.endswith("__reset"):
            found.pop(name, None)
        elif key.endswith("__override") or name in _REPLACED or before is None:
            found[name] = value
        elif isinstance(before, dict) and isinstance(value, dict):
            found[name] = merged(before, value)
        elif name == "volumes" and isinstance(before, list) and isinstance(value, list):
            targets = [item.get("target") for item in value if isinstance(item, dict)]
            kept = [item for item in before if not (isinstance(item, dict) and item.get("target") in targets)]
            found[name] = [*kept, *value]
        elif isinstance(before, list) and isinstance(value, list):
            found[name] = [*before, *(item for item in value if item not in before)]
        else:
            found[name] = value
    return found


def _env_file(item: Any, folder: str) -> str:
    path = str(item.get("path") or "") if isinstance(item, dict) else str(item)
    return posixpath.normpath(posixpath.join(folder, path))


def _mount(item: Any, folder: str) -> dict[str, str]:
    """The long form: type (bind, volume, anonymous or tmpfs), source and target."""
    if isinstance(item, dict):
        given = {key: str(item.get(key) or "") for key in ("type", "source", "target")}
        given["target"] = given["target"] or str(item.get("destination") or "")
    else:
        parts = str(item).split(":")
        source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
        given = {"type": "", "source": source, "target": target}
    source = given["source"]
    if not given["type"]:
        given["type"] = "anonymous" if not source else "bind" if source[0] in "./~$" else "volume"
    if given["type"] == "bind" and not source.startswith(("/", "~", "$")):
        path = posixpath.normpath(posixpath.join(folder, source))
        given["source"] = path if path.startswith("..") else "." if path == "." else f"./{path}"
    return given


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "image": str, "command": (str, list), "entrypoint": (str, list), "build": dict, "environment": dict, "labels": dict,
    "ports": list, "expose": list, "healthcheck": dict, "deploy": dict, "depends_on": dict, "profiles": list, "secrets": list, "cap_add": list,
}  # fmt: skip


def _typed(raw: dict[str, Any]) -> None:
    """Remove values of an invalid type, as if their keys were missing."""
    for key in list(raw):
        if not isinstance(raw[key], _TYPES.get(key, object)):
            del raw[key]
    build = raw.get("build", {})
    for key in ("context", "dockerfile", "target"):
        if key in build and not isinstance(build[key], str):
            del build[key]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
