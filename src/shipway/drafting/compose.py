"""Services and accessories from a Compose project."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from shipway.domain.image import base_name
from shipway.drafting import (
    addresses,
    commands,
    compose_accessories,
    compose_proxies,
    compose_services,
    dockerfile,
    images,
    proxy_rules,
    public,
    replaced,
)
from shipway.drafting.compose_files import Choice, choose
from shipway.drafting.compose_model import NotCompose, Project, load
from shipway.drafting.compose_parts import Part, Reading, mapping, part_of, published
from shipway.drafting.compose_proxies import Proxies
from shipway.drafting.draft import Draft, plan_name
from shipway.drafting.files import inside
from shipway.drafting.variables import masked


def find(root: Path, draft: Draft, files: tuple[str, ...] = ()) -> str | None:
    """Add the content of the Compose files, or of those that are given; returns the name, or None without a usable one.
    NotCompose if a given file can't be used."""
    choice = Choice(list(files)) if files else choose(root)
    if choice is None or not choice.files:
        draft.notes += choice.notes if choice else []
        return None
    try:
        project = load(root, choice.files)
    except NotCompose as error:
        if files:
            raise
        draft.notes.append(str(error))
        return None
    if not project.services:
        if files:
            raise NotCompose(f"{', '.join(files)}: there are no services in it")
        return None
    draft.notes += choice.notes + project.notes + _adopted_volumes(project)
    others = [file for file in choice.others if file not in project.parsed]
    draft.origin = f"From {' and '.join(choice.files)}" + (f"; not read: {', '.join(others)}" if others else "")
    if others:
        draft.notes.append(f"{', '.join(others)}: not read; to choose: shipway init --compose {others[0]}")
    reading = Reading(root, project, draft)
    _read(reading, others)
    return reading.file


def _adopted_volumes(project: Project) -> list[str]:
    outside = [
        name
        for name, raw in project.volumes.items()
        if {"external", "driver_opts"} & {*mapping(raw)} or mapping(raw).get("driver", "local") != "local"
    ]
    return [
        f"{project.files[-1]}: the content of volume {name} is not adopted: Shipway creates its own volumes"
        for name in outside
    ]


def _read(reading: Reading, others: list[str]) -> None:
    """Sort the project's services: built here, left out, accessories, proxies, services; then settle what is public."""
    reading.parts = {name: part_of(reading.root, name, raw) for name, raw in reading.project.services.items()}
    for part in reading.parts.values():
        _built_here(reading, part, others)
    kept = [part for part in reading.parts.values() if not _left_out(reading, part)]
    _name(reading, kept)
    servers = _servers(reading, kept)
    reading.accessories = {part.name: compose_accessories.draft(reading, part) for part in servers}
    rest = [part for part in kept if part not in servers]
    proxies = compose_proxies.find(reading, rest)
    services = [part for part in rest if part.name not in reading.draft.left_out]
    addresses.choose(reading, services)
    _services(reading, services, proxies)
    for part in servers:
        compose_accessories.finish(reading, part, reading.accessories[part.name])
    _record(reading)
    public.settle(reading, services, proxies.rules, proxies.hosts)


def _services(reading: Reading, parts: list[Part], proxies: Proxies) -> None:
    inherited = dict(_inherited(parts))
    for part in parts:
        owner = inherited.get(part.name, "")
        labels = proxy_rules.from_labels(part.labels) or proxy_rules.from_variables(reading.texts(part))
        rule = proxies.rules.get(part.name)
        if labels and not owner:
            labels.port = labels.port or (rule.port if rule else None)
            rule = labels
        if rule:
            proxies.rules[part.name] = rule
        service = compose_services.draft(reading, part, rule, owner)
        front = proxies.kept.get(part.name)
        if front and front.other:
            service.todo.append(
                f"it passes requests on by {front.other}, which Shipway's edge doesn't: build an image with its configuration"
            )
        reading.draft.services.append(service)


def _record(reading: Reading) -> None:
    """Put the accessories into the draft, and what later modules ask for."""
    for accessory in reading.accessories.values():
        if accessory.provides == "":
            accessory.url = None
    reading.draft.accessories += reading.accessories.values()
    reading.draft.composed = [item.name for item in reading.draft.services]
    built = [part for part in reading.parts.values() if part.folder is not None]
    reading.draft.built = [posixpath.normpath(posixpath.join(part.folder or "", part.dockerfile)) for part in built]


def _built_here(reading: Reading, part: Part, others: list[str]) -> None:
    """An image of this repository's publisher is built, where there is a Dockerfile for it."""
    if part.folder is not None or not part.image or compose_accessories.image_of(part):
        return
    for file in others:
        try:
            raw = mapping(load(reading.root, [file]).services.get(part.name))
        except NotCompose:
            continue
        build = raw.get("build")
        if isinstance(build, dict) and _is_here(reading, build):
            part.raw["build"] = raw["build"]
            if raw["build"].get("target") in dockerfile.TEST_STAGES:  # the other file is for development
                del raw["build"]["target"]
            break
    if "build" not in part.raw and (found := _source_of(reading, part)):
        part.raw["build"] = found
    if "build" in part.raw:
        image = part.image
        part.__dict__ |= part_of(reading.root, part.name, part.raw).__dict__
        part.why = f"its image was {image}: it is built here"


def _is_here(reading: Reading, build: dict[str, object]) -> bool:
    """Whether the Dockerfile of a build is in the repository."""
    path = inside(reading.root, posixpath.join(str(build.get("context")), str(build.get("dockerfile") or "Dockerfile")))
    return path is not None and path.is_file()


def _source_of(reading: Reading, part: Part) -> dict[str, str] | None:
    """The build of an image with the name of the application or of one of its folders, if its Dockerfile has all that it
    copies."""
    name, app = plan_name(base_name(part.image)), reading.draft.app
    folders = images.folders(reading.root)
    options = [
        (folder, "Dockerfile") for folder in folders if name in (plan_name(folder), f"{app}-{plan_name(folder)}")
    ]
    if not options and name in (app, f"{app}-app", f"{app}-{part.name}"):
        usual = [f"{folder}/Dockerfile" for folder in ("docker", ".docker", "scripts", "build", "deploy", "packaging")]
        named = ["Dockerfile.prod", "Dockerfile.production", f"docker/{app}.Dockerfile", "docker/default.Dockerfile"]
        options += [(".", file) for file in ("Dockerfile", *named, *usual)]
    for folder, file in options:
        if (reading.root / folder / file).is_file() and images.copies_exist(reading.root, folder, file):
            return {"context": folder, "dockerfile": file}
    return None


def _left_out(reading: Reading, part: Part) -> bool:
    """Leave out what the platform replaces, what was started on demand, and what ran once."""
    image = part.base or part.image if part.folder is not None else part.image
    needed = {
        name
        for other in reading.parts.values()
        if "profiles" not in other.raw
        for name in other.raw.get("depends_on") or {}
    }
    active = {
        *reading.project.env.get("COMPOSE_PROFILES", "").split(","),
        "prod",
        "production",
        "default",
        "app",
        "full",
    }
    profile = replaced.on_demand(part.raw, active, sample=reading.project.env_sample) if part.name not in needed else ""
    sample = reading.project.env_sample
    if profile and all(replaced.on_demand(other.raw, active, sample=sample) for other in reading.parts.values()):
        profile = ""  # nothing would be left
    reason = replaced.reason(image, part.mounts)
    if reason and part.folder is not None and reason != replaced.reason(image, []):
        reason = ""  # the team's own program, which uses the Docker Engine: a question, not a decision
    if not reason and profile:
        reason = f"it was only started on demand (profiles: {profile})"
    if part.folder is None and not part.image:
        reason = reason or "it has neither `image` nor `build`"
    reason = reason or _once(reading, part)
    if reason:
        reading.draft.left_out[part.name] = reason
    return bool(reason)


def _once(reading: Reading, part: Part) -> str:
    """Why a service that ends isn't one of the plan's; empty if it goes on."""
    awaited = [
        other.name
        for other in reading.parts.values()
        if mapping(mapping(other.raw.get("depends_on")).get(part.name)).get("condition")
        == "service_completed_successfully"
    ]
    only_migrates = commands.migrates(part.command) and not commands.without_migrations(part.command)
    ends = part.raw.get("restart") in (None, "no", "on-failure") or str(part.raw.get("restart")).startswith(
        "on-failure"
    )
    if not awaited and not (only_migrates and ends):
        return ""
    first = f"`{masked(part.command)}` " if part.command else ""
    before = f"before {', '.join(awaited)}" if awaited else "once"
    if only_migrates:
        return f"it ran {first}{before}; migrations belong to `database`"
    return f"it ran {first}{before}; migrations belong to `database`, other work to a `seed` or into the image"


def _name(reading: Reading, parts: list[Part]) -> None:
    for part in parts:
        name = plan_name(part.name, "service")
        number = 2
        while name in reading.names.values():
            name = f"{plan_name(part.name, 'service')[:37]}-{number}"
            number += 1
        reading.names[part.name] = name


def _servers(reading: Reading, parts: list[Part]) -> list[Part]:
    texts = "\n".join(text for part in parts for text in reading.texts(part).values())
    return [
        part
        for part in parts
        if (compose_accessories.image_of(part) and not _is_client(reading, part, texts))
        or compose_accessories.is_server(part, parts, texts)
    ]


def _is_client(reading: Reading, part: Part, texts: str) -> bool:
    """Whether a part with a server's image only uses another server: for backups, or for its command line."""
    others = {*reading.parts} - {part.name}
    own = mapping(part.raw.get("environment"))
    named = re.search(rf"(^|//|@){re.escape(part.name)}(:\d+|/|$)", texts, re.MULTILINE)
    if part.folder is not None and not part.mounts and not named:
        return True
    hosts = [
        name for name, value in reading.texts(part).items() if name in own and name.endswith("HOST") and value in others
    ]
    return (
        bool(hosts) or re.search(r"\b(psql|pg_dump\w*|mysqldump|mysql|mongodump|redis-cli)\b", part.command) is not None
    )


def _inherited(parts: list[Part]) -> Iterator[tuple[str, str]]:
    """Services whose ports or proxy rules are those of another one, and that one: two can't have the same."""
    owners: dict[str, Part] = {}
    order = sorted(
        parts, key=lambda part: {True: 0, None: 1, False: 2}[commands.serves(part.command)] if part.command else 0
    )
    for part in order:
        rules = [f"{key}={value}" for key, value in part.labels.items() if key.endswith("rule")]
        caddy = [f"{key}={value}" for key, value in sorted(part.labels.items()) if key.startswith("caddy")]
        claims = [*published(part.raw.get("ports")), *rules, *(["; ".join(caddy)] if caddy else [])]
        owner = next((owners[claim] for claim in claims if claim in owners), None)
        if owner is not None:
            yield part.name, owner.name
        for claim in claims:
            owners.setdefault(claim, part)


def settle(draft: Draft) -> None:
    """Remove migrations from commands that run them on start, where the plan's `database` does."""
    if not any(item.tool and not item.unsupported for item in draft.databases):
        return
    for service in draft.services:
        if service.command and commands.migrates(service.command) and commands.without_migrations(service.command):
            service.command = commands.without_migrations(service.command)
            service.because["command"] = "without the migrations, which `database` runs"
