"""A draft is always a valid plan: what the plan language doesn't accept is taken out, and named."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.drafting.draft import AccessoryDraft, Draft, ServiceDraft
from shipway.drafting.write import write
from shipway.planfile.bounds import BLOCK, LINE
from shipway.planfile.kinds import unwritable
from shipway.planfile.problem import ERROR, Problem
from shipway.planfile.read import read

_ROUNDS = 30
_TEXTS = (
    "image",
    "command",
    "entrypoint",
    "health",
    "health_command",
    "folder",
    "dockerfile",
    "target",
    "volume",
    "url",
    "stop",
)
_FIELDS = {  # of a draft's entry, by key of the plan
    "command": ("command",), "entrypoint": ("entrypoint",), "route": ("route",), "stop": ("stop",), "volume": ("volume",),
    "health": ("health", "health_command", "health_tcp"), "replicas": ("replicas",), "resources": ("cpus", "memory"),
    "security": ("capabilities",), "url": ("url",), "volumes": ("volumes",), "files": ("files",), "provides": ("provides", "forms", "url"),
    "port": ("port", "route", "health", "health_tcp"), "secrets": ("secrets", "secret_files"),
}  # fmt: skip


def repair(draft: Draft) -> None:
    """Take out every value that would be an error in the plan. Files that are missing stay errors: they are to be
    written."""
    for service in draft.services:
        _readable(service)
    for accessory in draft.accessories:
        _readable(accessory)
    for _ in range(_ROUNDS):
        problems = [item for item in read(write(draft), "shipway.yaml", None).problems if item.severity == ERROR]
        if not [item for item in problems if _take_out(draft, item)]:
            return


def _readable(entry: ServiceDraft | AccessoryDraft) -> None:
    """Take out texts that no file of YAML can have."""
    for key in _TEXTS:
        value = getattr(entry, key, None)
        wrong = unwritable(value, BLOCK if key == "health_command" else LINE) if isinstance(value, str) else ""
        if wrong:
            setattr(
                entry,
                key,
                "."
                if key == "folder"
                else "Dockerfile"
                if key == "dockerfile"
                else f"{entry.name}:1"
                if key == "image"
                else None,
            )
            entry.todo.append(f"{key.removesuffix('_command')} {wrong}")
    for values in (entry.environment, getattr(entry, "args", {})):
        for name, wrong in [(name, wrong) for name, value in values.items() if (wrong := unwritable(value, BLOCK))]:
            del values[name]
            entry.todo.append(f"{name} {wrong}")


def _take_out(draft: Draft, problem: Problem) -> bool:
    """Whether something could be taken out."""
    section, _, rest = problem.path.partition(".")
    name, _, rest = rest.partition(".")
    key, _, rest = rest.partition(".")
    words = problem.message.replace("\n", " ")
    if section == "services":
        service = next((item for item in draft.services if item.name == name), None)
        return service is not None and _of_service(service, key, rest, words)
    if section == "accessories":
        accessory = next((item for item in draft.accessories if item.name == name), None)
        if accessory is None:
            return False
        if not _of_entry(accessory, key, rest, words):
            draft.accessories.remove(accessory)
            draft.databases = [item for item in draft.databases if item.accessory != name]
            draft.left_out[name] = f"{key or 'it'} {words}"
        return True
    if section == "database":
        draft.notes += [f"{item.why}: left out: {words}" for item in draft.databases]
        changed, draft.databases = bool(draft.databases), []
        return changed
    if section == "pipeline":
        steps = [item for item in draft.steps if item.name != name]
        changed, draft.steps = len(steps) < len(draft.steps), steps
        draft.notes += [f"step {name}: left out: {words}"] if changed else []
        return changed
    if section == "registry":
        changed = bool(draft.registry)
        draft.notes += [f"the registry was left out: {words}"] if changed else []
        draft.registry = {}
        return changed
    if section == "checks":
        checks = [item for item in draft.checks if item.name != name]
        changed, draft.checks = len(checks) < len(draft.checks), checks
        draft.notes += [f"check {name}: left out: {words}"] if changed else []
        return changed
    if section == "environments" and key == "hosts" and draft.hosts:
        draft.notes.append(f"{', '.join(host for host, _ in draft.hosts)} left out: {words}")
        draft.hosts = []
        return True
    if section == "environments":
        changed = bool(draft.addresses or draft.url)
        draft.notes += [f"{item} was left out: {words}" for item in draft.addresses]
        draft.addresses, draft.url = {}, None
        return changed
    return False


def _of_service(service: ServiceDraft, key: str, rest: str, words: str) -> bool:
    if key == "image" and service.image != f"{service.name}:1":
        service.todo.append(f"image: {service.image or 'it'} {words}")
        service.image = f"{service.name}:1"
        return True
    if key == "build":
        part = rest.partition(".")[0]
        service.todo.append(f"build.{part or 'folder'} {words}")
        before = (service.folder, service.dockerfile, service.target, dict(service.args))
        if part == "target":
            service.target = None
        elif part == "args":
            service.args.pop(_named(service.args, rest.partition(".")[2]) or "", None)
        elif part == "dockerfile":
            service.dockerfile = "Dockerfile"
        else:
            service.folder = "."
        return before != (service.folder, service.dockerfile, service.target, service.args)
    return _of_entry(service, key, rest, words)


def _named(values: Mapping[str, str], rest: str) -> str | None:
    """The name that a problem's path, which may be cut, ends with."""
    if rest in values or not rest.endswith("…"):
        return rest if rest in values else None
    return next((name for name in values if name.startswith(rest[:-1])), None)


def _of_entry(entry: ServiceDraft | AccessoryDraft, key: str, rest: str, words: str) -> bool:
    named = _named(entry.environment, rest) if key == "environment" else None
    if named is not None:
        del entry.environment[named]
        entry.todo.append(f"{named} {words}")
        return True
    changed = False
    for field in _FIELDS.get(key, ()):
        value = getattr(entry, field, None)
        if value:
            setattr(entry, field, type(value)() if isinstance(value, list | dict) else False if value is True else None)
            changed = True
    if changed:
        entry.todo.append(f"{key} {words}")
    return changed
