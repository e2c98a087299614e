"""fly.toml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from shipway.drafting.draft import ServiceDraft, plan_name
from shipway.drafting.platforms.declared import MAIN, Declared, command
from shipway.drafting.tree import Tree, items, join, mapping, number_of, text_of
from shipway.drafting.variables import usable


def read(tree: Tree) -> Iterator[Declared]:
    """One for each fly.toml; another name (fly.production.toml) only where there is no fly.toml."""
    folders: dict[str, str] = {}
    for path in (path for path in tree.files if path.endswith(".toml")):
        folder, name = posixpath.split(path)
        if name == "fly.toml" or (re.fullmatch(r"fly[.-]prod(uction)?\.toml", name) and folder not in folders):
            folders[folder] = path
    for folder, path in folders.items():
        yield _read(tree, path, folder or ".")


def _read(tree: Tree, path: str, folder: str) -> Declared:
    data = tree.toml(path)
    build, deploy = mapping(data.get("build")), mapping(data.get("deploy"))
    found = Declared(path, folder, release=text_of(deploy.get("release_command")))
    processes = {name: text_of(value) for name, value in mapping(data.get("processes")).items()} or {MAIN: None}
    found.environment = usable(mapping(data.get("env")))
    found.arguments = usable(mapping(build.get("args")))
    web, port, checks = _service(data, [*processes])
    for name, text in processes.items():
        draft = ServiceDraft(
            name if name == MAIN else plan_name(name, "process"),
            serves=name == web,
            why=[path if name == MAIN else f"{path}: {name}"],
        )
        draft.public = name == web
        draft.command = command(text)
        if text_of(build.get("image")):
            draft.image = text_of(build["image"])
        draft.target = text_of(build.get("build-target"))
        if name == web:
            _serve(draft, port, checks, path)
        draft.memory = _memory(data, name)
        found.services.append(draft)
        file = text_of(build.get("dockerfile"))
        if file and not file.startswith(("/", "..")):
            found.dockerfiles[draft.name] = join(folder, file)
    _mounts(data, found)
    return found


def _service(data: dict[str, Any], processes: list[str]) -> tuple[str | None, int | None, list[Any]]:
    """The process that serves, its port, and its checks."""
    http = mapping(data.get("http_service"))
    listed = [http] if http else [mapping(item) for item in items(data.get("services"))]
    for item in listed:
        port = number_of(item.get("internal_port"))
        named = [name for name in items(item.get("processes")) if name in processes]
        checks = [*items(item.get("checks")), *items(item.get("http_checks")), *mapping(data.get("checks")).values()]
        return (named or processes)[0], port or 8080, checks
    return None, None, []


def _serve(draft: ServiceDraft, port: int | None, checks: list[Any], path: str) -> None:
    draft.port = port
    draft.why.append(f"port {port} from internal_port")
    health = next((found for item in checks if (found := text_of(mapping(item).get("path")))), None)
    if health and health.startswith("/"):
        draft.health = health
        draft.why.append(f"health {health} from {path}")


def _memory(data: dict[str, Any], process: str) -> str | None:
    for item in items(data.get("vm")):
        vm = mapping(item)
        names = items(vm.get("processes"))
        match = re.fullmatch(r"(\d{2,6})\s*(mb|gb)?", (text_of(vm.get("memory")) or "").lower())
        if match and (not names or process in names):
            amount = int(match[1]) * (1024 if match[2] == "gb" else 1)
            return f"{amount}M"
        match = re.fullmatch(r"(\d{1,2})gb", (text_of(vm.get("memory")) or "").lower())
        if match and int(match[1]) and (not names or process in names):
            return f"{match[1]}G"
    return None


def _mounts(data: dict[str, Any], found: Declared) -> None:
    raw = data.get("mounts")
    for item in raw if isinstance(raw, list) else [raw] if isinstance(raw, dict) else []:
        target = text_of(mapping(item).get("destination"))
        names = items(mapping(item).get("processes"))
        for service in found.services:
            if target and (not names or service.name in names):
                service.keep(target, text_of(mapping(item).get("source")) or "")
