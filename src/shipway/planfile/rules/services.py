"""Services, accessories, the database and the registry."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from shipway.domain.accessory import provided
from shipway.domain.desired import published
from shipway.domain.plan import Accessory, Plan, Service
from shipway.domain.shell_syntax import shell_syntax, through_shell
from shipway.domain.volumes import right_path
from shipway.drivers.accessories import KINDS, known_variables, known_volumes
from shipway.planfile.report import Path, Report
from shipway.planfile.rules.external import external
from shipway.planfile.rules.references import known
from shipway.planfile.sections import ALL
from shipway.planfile.values import PROVIDED

HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
NO_ACCESSORY = Accessory("", "", "other")
DATA_KEEPERS = ("postgres", "mysql")


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    for service in plan.services.values():
        _service(service, plan, report)
    for accessory in plan.accessories.values():
        _accessory(accessory, plan, report)
    _provided_once(plan, report)
    _published_once(plan, report)
    _database(plan, report)
    _registry(plan, report)


def _service(service: Service, plan: Plan, report: Report) -> None:
    at = ("services", service.name)
    if service.name == ALL:
        report.error(at, f"`{ALL}` can't name a service: it means every service in a step's `build`", "another name")
    if service.health and (service.health.path or service.health.tcp) and not report.written((*at, "port")):
        kind = "path" if service.health.path else "tcp"
        report.error(
            (*at, "health"),
            f"a {kind} check requires a port",
            "`port:`, or health: {command: …}",
        )
    _each_name_once(at, service, "service", report)
    _without_a_shell(at, service, report)
    if report.written((*at, "drain")) and not report.written((*at, "route")):
        both = report.written((*at, "stop"))
        message = "is only for services with a route" + (
            "; `stop` is used" if both else "; here it sets `stop`, the time from SIGTERM to SIGKILL"
        )
        report.warn((*at, "drain"), message, "`stop:` instead")
    for name in service.secret_files:
        if f"{name}_FILE" in service.environment:
            message = f"`{name}_FILE` is reserved for the path of the secret `{name}`"
            report.error((*at, "environment", f"{name}_FILE"), message, "another name")
    for accessory in plan.accessories.values():
        for name in provided(accessory):
            if name in service.environment:
                message = f"overrides the address that the accessory `{accessory.name}` provides"
                report.warn((*at, "environment", name), message)


def _without_a_shell(at: Path, part: Service | Accessory, report: Report) -> None:
    """`command` and `entrypoint` are split into words, without any expansion or redirection."""
    if part.entrypoint and re.search(r"\b(ba|da|a)?sh -[a-z]*c$", part.entrypoint):
        return
    for key, text in (("entrypoint", part.entrypoint), ("command", part.command)):
        found = shell_syntax(text or "")
        if found:
            listed = ", ".join(f"`{item}`" for item in found)
            report.warn(
                (*at, key),
                f"{listed} is shell syntax, and `{key}` is run without a shell: it is passed on unchanged",
                f"`{key}: {through_shell(text or '')}`",
            )


def _each_name_once(at: Path, part: Service | Accessory, word: str, report: Report) -> None:
    for name in part.secrets:
        if name in part.environment:
            message = f"`{name}` is also one of the {word}'s secrets"
            report.error((*at, "environment", name), message, "each name once: in `secrets` if it is confidential")


def _accessory(accessory: Accessory, plan: Plan, report: Report) -> None:
    at = ("accessories", accessory.name)
    if accessory.name in report.names(("services",)):
        report.error(
            at, f"a service is also named `{accessory.name}`", "another name: it must be unique in the network"
        )
    _each_name_once(at, accessory, "accessory", report)
    _without_a_shell(at, accessory, report)
    if report.written((*at, "external")):
        external(accessory, plan, report)
        return
    if report.written((*at, "url")) and not report.written((*at, "provides")):
        report.error((*at, "url"), "`url` requires `provides`", f"`provides:` {PROVIDED.expected}")
    if not accessory.image or report.failed((*at, "kind")):
        return
    right_volume(accessory, report, known_volumes(accessory.image), known_variables(accessory.image))
    _address_parts(accessory, report)
    if accessory.kind == "other":
        _other(accessory, report)
    elif report.written((*at, "url")):
        report.error(
            (*at, "url"),
            f"Shipway generates the address of a {accessory.kind} accessory",
            "`url` only with `kind: other`",
        )
    if accessory.kind in DATA_KEEPERS and not report.written((*at, "volume")):
        message = "has no `volume`: its data is in an anonymous volume, which only its container refers to"
        report.warn(at, message, "`volume:` the path of its data")
    if "@" not in accessory.image and ":" not in accessory.image.rpartition("/")[2]:
        report.warn(
            (*at, "image"), f"`{accessory.image}` has no version: it may change with every pull", "name:version"
        )
    if not _used(accessory, plan):
        report.warn(at, "is not used", "a variable in `provides`, a step's `with`, or `database`")


def right_volume(accessory: Accessory, report: Report, declared: Iterable[str], variables: Mapping[str, str]) -> None:
    """Whether `volume` is the image's data path. declared, variables: of the image."""
    at = ("accessories", accessory.name, "volume")
    right = right_path(accessory, declared, KINDS[accessory.kind].data_folder(accessory, variables))
    if right is not None and not report.failed(at):
        message = f"`{accessory.image}` stores its data in {right}: this volume would stay empty, and the data would be in an anonymous one"
        report.warn(at, message, f"`volume: {right}`")


def _other(accessory: Accessory, report: Report) -> None:
    at = ("accessories", accessory.name)
    port, url = (report.written((*at, key)) for key in ("port", "url"))
    if accessory.provides and not url:
        message = f"Shipway doesn't know the address format of `{accessory.image}`"
        report.error((*at, "provides"), message, "`url:`, such as amqp://{host}:{port}, or a `kind` that Shipway knows")
    if not port:
        report.error(at, f"Shipway doesn't know the port of `{accessory.image}`", "`port:` where it listens")


def _address_parts(accessory: Accessory, report: Report) -> None:
    """Texts of `provides` have parts that the kind has."""
    kind = KINDS[accessory.kind]
    known_parts = kind.parts_of(accessory)
    for name, text in accessory.forms.items():
        unknown = next((part for part in re.findall(r"\{(\w+)\}", text) if part not in known_parts), None)
        if unknown is None:
            continue
        why = "has no `url`" if unknown == "url" else f"of kind {accessory.kind} has no {unknown} that Shipway knows"
        expected = f"parts such as {', '.join(known_parts)}"
        report.error(("accessories", accessory.name, "provides", name), f"`{accessory.name}` {why}", expected)


def _used(accessory: Accessory, plan: Plan) -> bool:
    values = [
        value for service in plan.services.values() for value in (*service.environment.values(), service.command or "")
    ]
    values += [value for environment in plan.environments.values() for value in environment.environment.values()]
    return bool(
        provided(accessory)
        or (plan.database and plan.database.accessory == accessory.name)
        or any(accessory.name in step.accessories for step in plan.pipeline.values())
        or any(accessory.name in value for value in values)
    )


def _provided_once(plan: Plan, report: Report) -> None:
    owners: dict[str, str] = {}
    for accessory in plan.accessories.values():
        for name in provided(accessory):
            owner = owners.setdefault(name, accessory.name)
            if owner != accessory.name:
                message = f"`{name}` is already provided by `{owner}`"
                report.error(("accessories", accessory.name, "provides"), message, "a different variable")


def _published_once(plan: Plan, report: Report) -> None:
    """Ports of accessories collide on a host of several environments, or by chance as derived from their names."""
    owners: dict[tuple[str, int], tuple[str, str]] = {}
    for environment in plan.environments.values():
        if len(environment.hosts) < 2:
            continue
        for accessory in plan.own_accessories.values():
            here = (environment.hosts[0].name, published(plan, environment, accessory))
            other = owners.setdefault(here, (environment.name, accessory.name))
            if other != (environment.name, accessory.name):
                message = f"has port {here[1]} on {here[0]} in {environment.name}, like `{other[1]}` in {other[0]}"
                report.error(
                    ("accessories", accessory.name),
                    message,
                    "`published:` another port, or environments on other hosts",
                )


def _database(plan: Plan, report: Report) -> None:
    database = plan.database
    if database is None:
        return
    known(report, ("database", "service"), database.service, "services", "service")
    if database.file:
        _in_volume(plan, database.file, database.service, report)
    elif known(report, ("database", "accessory"), database.accessory, "accessories", "accessory"):
        _migrated(plan.accessories.get(database.accessory), report)
    if database.tool == "sql" and not report.written(("database", "folder")):
        report.error(("database", "tool"), "`sql` requires `folder`", "`folder:` the up and down files in the image")
    if database.tool == "command" and not report.written(("database", "commands")):
        report.error(("database", "tool"), "`command` requires `commands`", "`commands:` that run the tool")
    if database.on_start:
        _on_start(plan.services.get(database.service), report)
        if database.file or plan.accessories.get(database.accessory, NO_ACCESSORY).kind == "mysql":
            report.error(("database", "tool"), "`on-start` supports only PostgreSQL", "the tool of the migrations")
    if database.tool != "command" and report.written(("database", "commands")):
        report.error(
            ("database", "commands"), "are only for the tool `command`", f"no `commands`: {database.tool} is built in"
        )


def _in_volume(plan: Plan, file: str, service: str, report: Report) -> None:
    """A database that is a file is in a volume of the engine, without a folder between them."""
    if service not in plan.services:
        return
    at, folder = ("database", "file"), posixpath.dirname(file)
    volumes = plan.services[service].volumes.values()
    found = next((item for item in volumes if item.path == folder), None)
    if found is not None and found.folder:
        message = f"is in the folder `{found.folder}` of the host, of which Shipway takes no snapshots"
        report.error(at, message, f"`volumes: {{{found.name}: {folder}}}` of `{service}`, without `folder`")
    around = next((item for item in volumes if file.startswith(f"{item.path}/")), None)
    if found is None and around is not None:
        message = f"is in a folder of the volume `{around.name}`, not directly in it"
        report.error(at, message, f"`{around.path}/{posixpath.basename(file)}`, or a volume with the path `{folder}`")
    elif found is None:
        message = f"is in no volume of `{service}`: each new container would begin with an empty database"
        report.error(at, message, f"`volumes: {{data: {folder}}}` of the service `{service}`")


def _on_start(service: Service | None, report: Report) -> None:
    at = ("database", "tool")
    if service is not None and service.health is None:
        message = f"`{service.name}` has no `health`, which shows that it has migrated"
        report.error(at, message, f"`health:` of the service `{service.name}`")
    if report.written(("database", "contract")):
        report.error(("database", "contract"), "can't defer what a program applies when it starts", "no `contract`")


def _migrated(accessory: Accessory | None, report: Report) -> None:
    at = ("database", "accessory")
    if accessory is not None and accessory.kind == "mysql" and accessory.external:
        message = f"`{accessory.name}` is an external MySQL or MariaDB, which Shipway doesn't migrate"
        report.error(at, message, "an accessory with an `image`, or an external PostgreSQL")
        return
    if accessory is None or not accessory.image:
        return
    if accessory.kind not in DATA_KEEPERS:
        report.error(
            at,
            f"`{accessory.name}` is not a database that can be migrated",
            "an accessory of the kind `postgres` or `mysql`",
        )
    elif not provided(accessory):
        report.warn(at, f"`{accessory.name}` has no `provides`: services and tools don't get its address")


def _registry(plan: Plan, report: Report) -> None:
    if plan.registry and plan.registry.token and plan.registry.user:
        report.error(
            ("registry", "token"), "can't be combined with `user`", "either `token:`, or `user:` and `password:`"
        )
    if plan.registry and plan.registry.address.partition("/")[0] in HUB_NAMES and plan.registry.address.count("/") != 1:
        report.error(
            ("registry", "address"),
            "names no account of Docker Hub",
            "docker.io/ACCOUNT: images are ACCOUNT/APP-SERVICE there",
        )
