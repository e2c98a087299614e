"""Write a draft as the text of a plan file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from shipway.drafting.draft import AccessoryDraft, DatabaseDraft, Draft, ServiceDraft, StepDraft
from shipway.planfile.reference import prose
from shipway.planfile.report import printable
from shipway.planfile.sections import accessory_kind

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


def inline(text: str) -> str:
    """A scalar within brackets on one line, where more characters have a meaning."""
    return json.dumps(text, ensure_ascii=False) if re.search(r"[,\[\]{}]", text) else scalar(text)


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
    yield f"app: {scalar(draft.app)}"


def _services(draft: Draft) -> Iterator[str]:
    if draft.origin:
        yield f"# {printable(draft.origin)}."
    yield "services:"
    shared = _shared(draft.services)
    for service in draft.services:
        yield from _service(service, shared)
    yield from (f"  # Left out: {printable(name)}: {printable(reason)}." for name, reason in draft.left_out.items())


_SHARED = 6  # variables from which on equal mappings are written once


def _shared(services: list[ServiceDraft]) -> dict[str, str]:
    """Names of services whose variables are those of an earlier one, and that one; itself for the first."""
    found: dict[str, str] = {}
    for service in services:
        equal = [item.name for item in services if item.environment == service.environment]
        if len(equal) > 1 and len(service.environment) >= _SHARED:
            found[service.name] = equal[0]
    return found


def _service(service: ServiceDraft, shared: dict[str, str]) -> Iterator[str]:
    because = service.because
    yield f"  {scalar(service.name)}:"
    yield from (f"    # TODO: {printable(item)}" for item in service.todo)
    yield from (f"    # {printable(item)}" for item in service.remarks)
    if service.folder is not None:
        yield from _build(service)
    else:
        yield from _line("image", service.image, because)
    yield from _line("entrypoint", service.entrypoint, because)
    yield from _line("command", service.command, because)
    yield from _line("route", service.route, because)
    yield from _line("port", str(service.port) if service.port else None, because, number=True)
    yield from _health(service)
    yield from _line("replicas", str(service.replicas) if service.replicas else None, because, number=True)
    limits = [f"{key}: {value}" for key, value in (("cpus", service.cpus), ("memory", service.memory)) if value]
    yield from _line("resources", f"{{{', '.join(limits)}}}" if limits else None, because, number=True)
    if service.capabilities:
        yield f"    security: {{capabilities: [{', '.join(service.capabilities)}]}}"
    yield from _line("stop", service.stop, because)
    yield from _line("assets", service.assets if service.route else None, because)
    yield from _volumes(service)
    yield from _mapping("files", {scalar(path): source for path, source in service.files.items()})
    owner = shared.get(service.name)
    if owner and owner != service.name:
        yield f"    environment: *{owner}"
    else:
        anchor = f"environment: &{owner}" if owner else "environment"
        yield from _mapping(anchor, service.environment, because=because | {anchor: because.get("environment", "")})
    yield from _secrets([*service.secrets, *(f"{{name: {name}, as: file}}" for name in service.secret_files)], because)


def _volumes(service: ServiceDraft) -> Iterator[str]:
    if not service.volumes:
        return
    line = f"volumes: {{{', '.join(f'{name}: {inline(path)}' for name, path in service.volumes.items())}}}"
    yield f"    {printable(line)}"


def _health(service: ServiceDraft) -> Iterator[str]:
    why = _reason(service.because, "health")
    if service.health:
        yield f"    health: {scalar(service.health)}{why}"
    elif service.health_command:
        yield f"    health: {{command: {json.dumps(service.health_command, ensure_ascii=False)}}}{why}"
    elif service.health_tcp:
        yield f"    health: {{tcp: true}}{why}"


def _secrets(names: list[str], because: dict[str, str]) -> Iterator[str]:
    """On one line, or each with the reason why it is one."""
    if not any(name in because for name in names):
        yield from ([f"    secrets: [{', '.join(names)}]{_reason(because, 'secrets')}"] if names else [])
        return
    yield f"    secrets:{_reason(because, 'secrets')}"
    yield from (f"      - {name}{_reason(because, name)}" for name in names)


def _reason(because: dict[str, str], key: str) -> str:
    return f"  # {printable(because[key])}" if because.get(key) else ""


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
    yield f"  {scalar(accessory.name)}:"
    because = accessory.because
    yield from (f"    # TODO: {printable(item)}" for item in accessory.todo)
    yield from (f"    # {printable(item)}" for item in accessory.remarks)
    yield from _line("image", accessory.image, because)
    yield from _line("kind", accessory.kind if accessory.kind != accessory_kind(accessory.image) else None, because)
    if accessory.forms:
        yield from _mapping(
            "provides", {**({accessory.provides: "url"} if accessory.provides else {}), **accessory.forms}
        )
    else:
        yield from _line("provides", accessory.provides, because)
    yield from _line("url", accessory.url, because)
    yield from _line("port", str(accessory.port) if accessory.port else None, because, number=True)
    yield from _line("volume", accessory.volume, because)
    if accessory.health_command:
        yield f"    health: {{command: {json.dumps(accessory.health_command, ensure_ascii=False)}}}"
    yield from _line("entrypoint", accessory.entrypoint, because)
    yield from _line("command", accessory.command, because)
    yield from _mapping("environment", accessory.environment, because=because)
    yield from _secrets(accessory.secrets, because)


def _databases(draft: Draft) -> Iterator[str]:
    for database in draft.databases:
        if database.unsupported:
            yield f"# {database.why}: {database.unsupported}."
        else:
            yield from _database(database)


def _database(database: DatabaseDraft) -> Iterator[str]:
    yield from (f"# TODO: {printable(item)}" for item in database.todo)
    folder = f", folder: {inline(database.folder)}" if database.folder else ""
    which = {"accessory": database.accessory, "file": database.file, "image": database.image}
    given = [f"{key}: {inline(value)}" for key, value in which.items() if value]
    if not database.commands:
        yield f"database: {{{', '.join(given)}, service: {scalar(database.service)}, tool: {database.tool}{folder}}}"
        return
    yield "database:"
    yield from (f"  {line}" for line in given)
    yield f"  service: {scalar(database.service)}"
    yield f"  tool: {database.tool}"
    if database.folder:
        yield f"  folder: {scalar(database.folder)}"
    yield from _mapping("commands", database.commands, "  ")


def _registry(draft: Draft) -> Iterator[str]:
    if draft.registry:
        yield f"registry: {{{', '.join(f'{key}: {inline(value)}' for key, value in draft.registry.items())}}}"


def _pipeline(draft: Draft) -> Iterator[str]:
    built = [service for service in draft.services if service.folder is not None]
    if not draft.steps and not built:
        return
    yield "pipeline:"
    for step in draft.steps:
        yield from _step(step)
    if built:
        needs = f", needs: [{', '.join(scalar(step.name) for step in draft.steps)}]" if draft.steps else ""
        yield f"  images: {{build: all{needs}}}"


def _step(step: StepDraft) -> Iterator[str]:
    yield f"  {scalar(step.name)}:"
    yield from (f"    # TODO: {printable(item)}" for item in step.todo)
    yield (
        f"    image: {{build: {inline(step.folder)}, target: {inline(step.target or '')}}}"
        if step.folder
        else f"    image: {scalar(step.image)}"
    )
    yield f"    run: {scalar(step.run)}"
    yield from _mapping("env", step.env)
    if step.accessories:
        yield f"    with: [{', '.join(step.accessories)}]"
    if step.outputs:
        yield f"    outputs: [{', '.join(map(inline, step.outputs))}]"


def _checks(draft: Draft) -> Iterator[str]:
    if draft.checks:
        yield "checks:"
    for check in draft.checks:
        yield f"  {scalar(check.name)}:"
        yield (
            "    # TODO: a check has no sources: build an image with these tests, and add "
            f"`checks: [{printable(check.name)}]` to staging"
        )
        yield from (f"    # TODO: {printable(item)}" for item in check.todo)
        yield f"    image: {scalar(check.image)}"
        yield f"    run: {scalar(check.run)}"


def _environments(draft: Draft) -> Iterator[str]:
    yield f"# {prose('environments').split('. ')[0]}."
    yield "environments:"
    yield "  staging:"
    yield "    on: {branch: staging}  # each push to this branch deploys it"
    staging = f"http://staging.{draft.app}.localhost:8080"
    yield f"    url: {staging}  # TODO: its public address"
    yield from _addresses(draft, staging)
    yield "  production:"
    yield f'    on: {{tag: "v*", branch: {inline(draft.branch)}}}  # a tag such as v1.0.0, on this branch'
    yield "    after: staging  # only releases that were validated there, with the same images"
    yield "    approvals: {count: 1, not: author}  # by `shipway approve production`"
    production = draft.url or f"http://{draft.app}.localhost:8080"
    yield f"    url: {production}  # {printable(draft.url_because) or ('from the repository' if draft.url else 'TODO: its public address')}"
    yield from _addresses(draft, production)
    if draft.hosts:
        yield "    hosts:"
    for index, (host, address) in enumerate(draft.hosts):
        if index == 0 and address and len(draft.hosts) > 1 and draft.accessories:
            yield f"      - {{host: {host}, address: {address}}}  # TODO: the private address where the others reach it"
        else:
            yield f"      - {host}"


def _addresses(draft: Draft, url: str) -> Iterator[str]:
    """Variables that have the environment's public address."""
    host = url.partition("://")[2].partition(":")[0]
    values = {key: text.replace("{url}", url).replace("{host}", host) for key, text in draft.addresses.items()}
    yield from _mapping("environment", values, because={"environment": "from its url"})


def _line(key: str, value: str | None, because: dict[str, str], *, number: bool = False) -> Iterator[str]:
    if value:
        yield f"    {key}: {value if number else scalar(value)}{_reason(because, key)}"


def _mapping(
    key: str, values: dict[str, str], indent: str = "    ", because: dict[str, str] | None = None
) -> Iterator[str]:
    if values:
        yield f"{indent}{key}{'' if '&' in key else ':'}{_reason(because or {}, key)}"
    for name, value in values.items():
        yield f"{indent}  {name}: {scalar(value)}{_reason(because or {}, name)}"
