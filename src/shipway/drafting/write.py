"""Write a draft as the text of a plan file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from shipway.drafting.draft import AccessoryDraft, DatabaseDraft, Draft, ServiceDraft, StepDraft
from shipway.planfile.reference import prose
from shipway.planfile.report import printable

_PLAIN = re.compile(r"[A-Za-z0-9_./$(][^\n]*")
_TYPED = re.compile(r"true|false|null|~|[-+.]?\d[\d_.eE+-]*|0[xo][\da-fA-F]+", re.IGNORECASE)


def scalar(text: str) -> str:
    """Quoted if YAML would read it as something else."""
    risky = (
        ": " in text
        or "\t" in text
        or " #" in text
        or text.endswith(":")
        or text != text.strip()
        or _TYPED.fullmatch(text)
    )
    return text if _PLAIN.fullmatch(text) and not risky else json.dumps(text, ensure_ascii=False)


def write(draft: Draft) -> str:
    """The whole file."""
    sections = [
        _head(draft),
        _services(draft),
        _accessories(draft),
        _databases(draft),
        _registry(draft),
        _pipeline(draft),
        _checks(draft),
        _environments(draft),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in map(list, sections) if lines)


def _head(draft: Draft) -> Iterator[str]:
    yield "# The deployment plan. `shipway check` lists its problems; docs/plan.md of Shipway documents every key."
    yield f"app: {draft.app}"


def _services(draft: Draft) -> Iterator[str]:
    yield "services:"
    for service in draft.services:
        yield from _service(service)


def _service(service: ServiceDraft) -> Iterator[str]:
    yield f"  {service.name}:"
    yield from (f"    # TODO: {printable(item)}" for item in service.todo)
    if service.folder is not None:
        yield from _build(service)
    else:
        yield from _line("image", service.image)
    yield from _line("entrypoint", service.entrypoint)
    yield from _line("command", service.command)
    yield from _line("replicas", str(service.replicas) if service.replicas else None, number=True)
    if service.memory:
        yield f"    resources: {{memory: {service.memory}}}"
    yield from _line("route", service.route)
    yield from _line("port", str(service.port) if service.port else None, number=True)
    if service.health_command:
        yield f"    health: {{command: {json.dumps(service.health_command, ensure_ascii=False)}}}"
    else:
        yield from _line("health", service.health)
    yield from _line("assets", service.assets if service.route else None)
    yield from _mapping("environment", service.environment)
    if service.secrets:
        yield f"    secrets: [{', '.join(service.secrets)}]"


def _build(service: ServiceDraft) -> Iterator[str]:
    if service.dockerfile == "Dockerfile" and not service.target and not service.args:
        yield f"    build: {scalar(service.folder or '.')}"
        return
    yield "    build:"
    yield f"      folder: {scalar(service.folder or '.')}"
    if service.dockerfile != "Dockerfile":
        yield f"      dockerfile: {scalar(service.dockerfile)}"
    if service.target:
        yield f"      target: {scalar(service.target)}"
    yield from _mapping("args", service.args, "      ")


def _accessories(draft: Draft) -> Iterator[str]:
    if draft.accessories:
        yield "accessories:"
    for accessory in draft.accessories:
        yield from _accessory(accessory)


def _accessory(accessory: AccessoryDraft) -> Iterator[str]:
    yield f"  {accessory.name}:"
    yield from (f"    # TODO: {printable(item)}" for item in accessory.todo)
    yield from _line("image", accessory.image)
    yield from _line("provides", accessory.provides)
    yield from _line("url", accessory.url)
    yield from _line("port", str(accessory.port) if accessory.port else None, number=True)
    yield from _line("volume", accessory.volume)
    yield from _line("entrypoint", accessory.entrypoint)
    yield from _line("command", accessory.command)
    yield from _mapping("environment", accessory.environment)
    if accessory.secrets:
        yield f"    secrets: [{', '.join(accessory.secrets)}]"


def _databases(draft: Draft) -> Iterator[str]:
    for database in draft.databases:
        if database.unsupported:
            yield f"# {database.why}: {database.unsupported}."
        else:
            yield from _database(database)


def _database(database: DatabaseDraft) -> Iterator[str]:
    yield from (f"# TODO: {printable(item)}" for item in database.todo)
    folder = f", folder: {scalar(database.folder)}" if database.folder else ""
    if not database.commands:
        yield f"database: {{accessory: {database.accessory}, service: {database.service}, tool: {database.tool}{folder}}}"
        return
    yield "database:"
    yield f"  accessory: {database.accessory}"
    yield f"  service: {database.service}"
    yield f"  tool: {database.tool}"
    if database.folder:
        yield f"  folder: {scalar(database.folder)}"
    yield from _mapping("commands", database.commands, "  ")


def _registry(draft: Draft) -> Iterator[str]:
    if draft.registry:
        yield f"registry: {{{', '.join(f'{key}: {scalar(value)}' for key, value in draft.registry.items())}}}"


def _pipeline(draft: Draft) -> Iterator[str]:
    built = [service for service in draft.services if service.folder is not None]
    if not draft.steps and not built:
        return
    yield "pipeline:"
    for step in draft.steps:
        yield from _step(step)
    if built:
        needs = f", needs: [{', '.join(step.name for step in draft.steps)}]" if draft.steps else ""
        yield f"  images: {{build: all{needs}}}"


def _step(step: StepDraft) -> Iterator[str]:
    yield f"  {step.name}:"
    yield from (f"    # TODO: {printable(item)}" for item in step.todo)
    yield (
        f"    image: {{build: {scalar(step.folder)}, target: {step.target}}}"
        if step.folder
        else f"    image: {scalar(step.image)}"
    )
    yield f"    run: {scalar(step.run)}"
    yield from _mapping("env", step.env)
    if step.accessories:
        yield f"    with: [{', '.join(step.accessories)}]"
    if step.outputs:
        yield f"    outputs: [{', '.join(map(scalar, step.outputs))}]"


def _checks(draft: Draft) -> Iterator[str]:
    if draft.checks:
        yield "checks:"
    for check in draft.checks:
        yield f"  {check.name}:"
        yield from (f"    # TODO: {printable(item)}" for item in check.todo)
        yield f"    image: {scalar(check.image)}"
        yield f"    run: {scalar(check.run)}"


def _environments(draft: Draft) -> Iterator[str]:
    staging = f"http://staging.{draft.app}.localhost:8080"
    production = draft.url or f"http://{draft.app}.localhost:8080"
    yield f"# {prose('environments').split('. ')[0]}."
    yield "environments:"
    yield "  staging:"
    yield "    on: {branch: staging}  # each push to this branch deploys it"
    yield f"    url: {staging}  # TODO: its public address"
    yield from _addresses(draft, staging)
    if draft.checks:
        yield f"    checks: [{', '.join(check.name for check in draft.checks)}]"
    yield "  production:"
    yield f'    on: {{tag: "v*", branch: {scalar(draft.branch)}}}  # a tag such as v1.0.0, on this branch'
    yield "    after: staging  # only releases that were validated there, with the same images"
    yield "    approvals: {count: 1, not: author}  # by `shipway approve production`"
    yield f"    url: {production}" + ("" if draft.url else "  # TODO: its public address")
    yield from _addresses(draft, production)
    if draft.hosts:
        yield "    hosts:"
    for index, (host, address) in enumerate(draft.hosts):
        first = index == 0 and len(draft.hosts) > 1 and draft.accessories
        if first and address:
            yield f"      - {{host: {host}, address: {address}}}  # TODO: the private address where the others reach it"
        else:
            yield f"      - {host}"


def _addresses(draft: Draft, url: str) -> Iterator[str]:
    """Variables with the environment's own address."""
    host = url.partition("://")[2].partition(":")[0]
    values = {name: text.replace("{url}", url).replace("{host}", host) for name, text in draft.addresses.items()}
    yield from _mapping("environment", values)


def _line(key: str, value: str | None, *, number: bool = False) -> Iterator[str]:
    if value:
        yield f"    {key}: {value if number else scalar(value)}"


def _mapping(key: str, values: dict[str, str], indent: str = "    ") -> Iterator[str]:
    if values:
        yield f"{indent}{key}:"
    for name, value in values.items():
        yield f"{indent}  {name}: {scalar(value)}"
