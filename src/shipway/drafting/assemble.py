"""Services from the files of other platforms and from Dockerfiles, where no compose file has any."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from shipway.drafting import builds, clues, dockerfile, platforms
from shipway.drafting.builds import Build
from shipway.drafting.draft import Draft, ServiceDraft, plan_name
from shipway.drafting.platforms.declared import MAIN, Declared
from shipway.drafting.tree import Tree, within
from shipway.drafting.variables import is_secret


def services(tree: Tree, found: list[Build], draft: Draft) -> list[Declared]:
    """Add the services; returns what platforms declare."""
    declared, notes = platforms.find(tree)
    draft.notes += notes
    used: set[str] = set()
    for app in declared:
        prefix = posixpath.basename(app.folder) if len(declared) > 1 and app.folder != "." else ""
        used |= _declared(tree, app, found, prefix, draft)
    alone = [item for item in found if item.path not in used]
    covered = [item for item in alone if any(within(item.path, app.folder) is not None for app in declared)]
    for build in covered:
        app = next(app for app in declared if within(build.path, app.folder) is not None)
        draft.notes.append(f"{build.path}: not used, since {app.file} doesn't name it")
    rest = [item for item in alone if item not in covered]
    names = builds.names(rest, draft.app if not declared else "web")
    for build, name in zip(rest, names, strict=True):
        name = _free(name, draft)
        service = build.service(name)
        service.home = build.home
        _complete(tree, service, build, None)
        draft.services.append(service)
    return declared


def _free(name: str, draft: Draft) -> str:
    taken = {item.name for item in draft.services} | {item.name for item in draft.accessories}
    options = [name, *(f"{name[:36].rstrip('-')}-{number}" for number in range(2, 1000))]
    return next(option for option in options if option not in taken)


def _declared(tree: Tree, app: Declared, found: list[Build], prefix: str, draft: Draft) -> set[str]:
    """Add the services of one app; returns the paths of the Dockerfiles that they use."""
    used: set[str] = set()
    main = prefix or (app.name and plan_name(app.name)) or draft.app
    for accessory in app.accessories:
        accessory.name = _free(accessory.name, draft)
        draft.accessories.append(accessory)
    for service in app.services:
        own = service.name
        given = {key: value for key, value in app.environment.items() if not is_secret(key)}
        service.environment = {
            **given,
            **{key: value for key, value in service.environment.items() if not is_secret(key)},
        }
        hidden = [key for key in app.environment if is_secret(key)]
        service.secrets = [*dict.fromkeys([*app.secrets, *service.secrets, *hidden])]
        if service.home in (None, ".") or not tree.has(service.home or "."):
            if service.home not in (None, "."):
                service.todo.append(f"{app.file} builds it from {service.home}, which is not in the repository")
            service.home = app.folder
        build = _build(tree, app, service, found, own)
        service.name = main if own == MAIN else plan_name(f"{prefix}-{own}") if prefix else own
        service.name = _free(service.name, draft)
        if service.image is None and build is None:
            service.folder = service.home
            service.todo.append(
                f"{service.home if service.home != '.' else 'the root'} has no Dockerfile that builds it"
            )
        elif service.image is None and build is not None:
            used.add(build.path)
            build.give(service)
            declared = {key: value for key, value in app.arguments.items() if key in build.facts.arguments}
            service.args = {**declared, **service.args}
        _process(service, build)
        if service.serves is not False:
            _complete(tree, service, build, app)
        draft.services.append(service)
    draft.notes += app.notes
    draft.url = draft.url or app.url
    draft.registry = draft.registry or app.registry
    _hosts(app, draft)
    return used


def _hosts(app: Declared, draft: Draft) -> None:
    """The machines of production. The first one needs an address for the others, if there are accessories."""
    if draft.hosts or not app.hosts:
        return
    first = app.hosts[0].rpartition("@")[2].partition(":")[0]
    address = first if re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", first) else None
    draft.hosts = [(app.hosts[0], address), *((host, None) for host in app.hosts[1:])]
    if address is None and draft.accessories and len(app.hosts) > 1:
        draft.notes.append(
            f"{app.file}: {', '.join(app.hosts[1:])} left out: with accessories, the first host needs `address:`, where the others reach it"
        )
        draft.hosts = draft.hosts[:1]


def _build(tree: Tree, app: Declared, service: ServiceDraft, found: list[Build], own: str) -> Build | None:
    """The Dockerfile that the platform names, else the one of the service's name, else the one nearest to its folder."""
    if service.image is not None:
        return None
    path = app.dockerfiles.get(own)
    if path is not None:
        facts = dockerfile.facts(tree.text(path), service.target)
        return builds.build(tree, path, facts, context_=app.contexts.get(own)) if tree.is_file(path) else None
    home = service.home or "."
    options = [item for item in found if within(item.path, home) is not None]
    named = [item for item in options if own in (item.role, posixpath.basename(item.home))]
    plain = [item for item in options if not item.role and item.home == home]
    nearest = sorted(options, key=lambda item: (bool(item.role), item.path.count("/")))
    build = next(iter([*named, *plain, *nearest]), None)
    if build is not None and service.target:
        return replace(build, facts=dockerfile.facts(build.facts.text, service.target))
    return build


def _process(service: ServiceDraft, build: Build | None) -> None:
    """The command of the process, beside what the Dockerfile already has."""
    facts = build.facts if build else None
    if service.command is None or facts is None:
        return
    program = facts.entrypoint or ""
    if service.serves and facts.command and not service.command.startswith("sh -c 'cd "):
        # The image's own command was written for a container; the platform's for the platform.
        service.why.append("command of the Dockerfile")
        service.command = None
    elif program and not (
        "entrypoint" in program or "tini" in program or "dumb-init" in program or program.endswith(".sh")
    ):
        service.entrypoint, service.command = service.command, None


def _complete(tree: Tree, service: ServiceDraft, build: Build | None, app: Declared | None) -> None:
    """Port and health: of the platform's file, the Dockerfile, or the code."""
    facts = build.facts if build else None
    dockerfile.complete(service, facts)
    sources = clues.texts(tree, service.home or (build.home if build else "."))
    wanted = service.serves or (app is not None and service.health is not None)
    if service.port is None and (wanted or app is None):
        known = clues.port(sources) if facts is None or not _static(facts) else None
        if known and (wanted or facts is not None):
            service.port = known[0]
            service.why.append(f"port {known[0]} from {known[1]}")
    if service.port is None and wanted:
        service.port = (app.sets_port if app else None) or 80
        service.why.append(f"port {service.port}, by PORT")
    own = facts is not None and facts.port == service.port  # then the image listens there, whatever PORT is
    if service.port and app is not None and app.sets_port and service.serves is not False and not own:
        service.environment.setdefault("PORT", str(service.port))
    if service.port and not service.health and not service.health_command:
        known_health = ("/", "the static site") if facts is not None and _static(facts) else clues.health(sources)
        if known_health is None and facts is not None and "spring-boot-starter-actuator" in _manifest(tree, service):
            known_health = ("/actuator/health", "spring-boot-starter-actuator")
        if known_health:
            service.health = known_health[0]
            service.why.append(f"health {known_health[0]} from {known_health[1]}")


def _manifest(tree: Tree, service: ServiceDraft) -> str:
    home = service.home or "."
    return "".join(
        tree.text(name if home == "." else f"{home}/{name}") for name in ("pom.xml", "build.gradle", "build.gradle.kts")
    )


def static(service: ServiceDraft, found: list[Build]) -> bool:
    """Whether a service's image only serves files."""
    build = of(service, found)
    return build is not None and _static(build.facts)


def of(service: ServiceDraft, found: list[Build]) -> Build | None:
    """The build of a service."""
    return next(
        (item for item in found if (item.context, item.dockerfile) == (service.folder, service.dockerfile)), None
    )


def _static(facts: dockerfile.Facts) -> bool:
    name = facts.final_base.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name in ("nginx", "nginx-unprivileged", "httpd", "caddy", "static-web-server")
