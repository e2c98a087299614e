"""render.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from shipway.drafting.draft import AccessoryDraft, ServiceDraft, plan_name
from shipway.drafting.platforms.declared import Declared, accessory, command
from shipway.drafting.tree import Tree, items, join, mapping, number_of, text_of
from shipway.drafting.variables import is_secret
from shipway.planfile.values import VARIABLE_PATTERN

PORT = 10000
_STORES = ("keyvalue", "redis")


def read(tree: Tree) -> Iterator[Declared]:
    """The blueprint in the root, if there is one."""
    path = tree.first(".", "render.yaml", "render.yml")
    if path is None:
        return
    data = mapping(tree.yaml(path))
    found = Declared(path, ".", sets_port=PORT)
    entries = [mapping(item) for item in items(data.get("services"))]
    for item in items(data.get("databases")):
        _database(mapping(item), found)
    for entry in entries:
        if text_of(entry.get("type")) in _STORES:
            name = plan_name(text_of(entry.get("name")) or "cache", "cache")
            _add(found, accessory(name, "redis", "redis:7", None, f"{path}: {name}"))
    groups = {
        text_of(mapping(group).get("name")): items(mapping(group).get("envVars"))
        for group in items(data.get("envVarGroups"))
    }
    for entry in entries:
        if text_of(entry.get("type")) not in _STORES:
            _service(tree, entry, groups, found)
    yield found


def _database(entry: dict[str, Any], found: Declared) -> None:
    name = plan_name(text_of(entry.get("name")) or "db", "db")
    version = number_of(entry.get("postgresMajorVersion"), 99)
    draft = accessory(name, "postgres", f"postgres:{version or 16}", None, f"{found.file}: {name}")
    if version is None:
        draft.why.append("no version is named there")
    _add(found, draft)


def _add(found: Declared, draft: AccessoryDraft) -> None:
    if all(item.name != draft.name for item in found.accessories):
        found.accessories.append(draft)


def _service(tree: Tree, entry: dict[str, Any], groups: dict[str | None, list[Any]], found: Declared) -> None:
    kind = text_of(entry.get("type")) or "web"
    name = plan_name(text_of(entry.get("name")) or "web", "service")
    if kind == "cron":
        found.notes.append(
            f"{found.file}: {name} ({text_of(entry.get('schedule')) or 'a schedule'}) was ignored: a plan runs nothing on a schedule"
        )
        return
    if any(item.name == name for item in found.services):
        return
    draft = ServiceDraft(name, serves=kind in ("web", "pserv"), public=kind == "web", why=[f"{found.file}: {name}"])
    home = _inside(entry.get("rootDir")) or "."
    draft.home = home
    runtime = text_of(entry.get("runtime")) or text_of(entry.get("env")) or ""
    image = text_of(mapping(entry.get("image")).get("url"))
    if runtime == "image" and image:
        draft.image = image.removeprefix("docker.io/")
    file, context = _inside(entry.get("dockerfilePath")), _inside(entry.get("dockerContext"))
    if file and tree.is_file(join(home, file)):
        found.dockerfiles[name] = join(home, file)
    elif runtime == "docker" and tree.is_file(join(home, "Dockerfile")):
        found.dockerfiles[name] = join(home, "Dockerfile")
    if context and name in found.dockerfiles:
        found.contexts[name] = join(home, context)
    # A start command belongs to the platform's own build; a Dockerfile brings its own, which `dockerCommand` replaces.
    draft.command = command(
        text_of(entry.get("dockerCommand"))
        or (text_of(entry.get("startCommand")) if name not in found.dockerfiles else None)
    )
    health = text_of(entry.get("healthCheckPath"))
    if health and health.startswith("/") and draft.serves:
        draft.health = health
        draft.why.append(f"health {health} from healthCheckPath")
    draft.replicas = count if (count := number_of(entry.get("numInstances"), 100)) and count > 1 else None
    found.release = found.release or text_of(entry.get("preDeployCommand"))
    disk = mapping(entry.get("disk"))
    draft.keep(text_of(disk.get("mountPath")) or "", text_of(disk.get("name")) or "")
    variables = [mapping(item) for item in items(entry.get("envVars"))]
    variables += [mapping(item) for group in [*variables] for item in groups.get(text_of(group.get("fromGroup")), [])]
    for variable in variables:
        _variable(variable, draft, found)
    found.services.append(draft)


def _variable(entry: dict[str, Any], draft: ServiceDraft, found: Declared) -> None:
    name, value = text_of(entry.get("key")), text_of(entry.get("value"))
    if name is None or not re.search(VARIABLE_PATTERN, name):
        return
    origin = mapping(entry.get("fromDatabase") or entry.get("fromService"))
    source = plan_name(text_of(origin.get("name")) or "", "db") if origin else ""
    store = next((item for item in found.accessories if item.name == source), None)
    if store is not None:
        _address(name, text_of(origin.get("property")) or "", store, draft, found)
    elif origin:
        draft.todo.append(
            f"{name}: its value came from {text_of(origin.get('name'))}; services reach each other at http://NAME:PORT"
        )
    elif value is not None and not is_secret(name):
        draft.environment[name] = value
    elif value is not None or entry.get("generateValue") or entry.get("sync") is not None:
        draft.secrets += [name] if name not in draft.secrets else []


def _address(name: str, part: str, store: AccessoryDraft, draft: ServiceDraft, found: Declared) -> None:
    """A variable with the address of an accessory, or with a part of it."""
    if part in ("connectionString", ""):
        if store.provides in (None, name):
            store.provides = name
        else:
            draft.todo.append(f"{name}: {store.name} provides {store.provides}; read that variable instead")
    elif part == "host":
        draft.environment[name] = store.name
    elif part == "port":
        draft.environment[name] = str({"postgres": 5432, "redis": 6379}.get(store.kind, 0))
    else:
        draft.todo.append(
            f"{name}: it was the {part} of {store.name}; read it from the address that {store.name} provides"
        )


def _inside(value: Any) -> str | None:
    """A path of the repository; None for another one."""
    text = text_of(value)
    if text is None or text.startswith("/") or ".." in text.split("/"):
        return None
    return join(".", text)
