"""Survey a repository and draft a plan for it."""

from __future__ import annotations

import re
from pathlib import Path

from shipway.drafting import (
    assemble,
    builds,
    clues,
    compose,
    databases,
    dependencies,
    frameworks,
    needs,
    pipeline,
    settings,
    sound,
    starts,
    versions,
)
from shipway.drafting.builds import Build
from shipway.drafting.draft import Draft, ServiceDraft, plan_name
from shipway.drafting.platforms.declared import Declared
from shipway.drafting.tree import MOST_FILES, Tree, join, within
from shipway.drafting.variables import is_secret

_FRONT = ("frontend", "web", "site", "ui", "client", "www", "nginx", "proxy", "app", "admin")
_BACK = ("backend", "api", "server")
_PROVIDES = {"postgres": "DATABASE_URL", "mysql": "DATABASE_URL", "redis": "REDIS_URL"}


def survey(root: Path, app: str, branch: str, files: tuple[str, ...] = ()) -> Draft:
    """A draft that is a valid plan when written, if the repository has everything a plan needs. files: of Compose, to be
    read instead of those that are found."""
    draft = Draft(plan_name(app), branch)
    tree = Tree(root)
    if tree.cut:
        draft.notes.append(f"only the first {MOST_FILES} files of the repository were read")
    found, notes = builds.find(tree)
    file = compose.find(root, draft, files)
    declared: list[Declared] = []
    # A Compose file that builds nothing, beside a Dockerfile, has what the application needs for development.
    composed = bool(draft.services) and (any(item.folder for item in draft.services) or not found)
    if composed:
        used = {*draft.built, *(join(item.folder, item.dockerfile) for item in draft.services if item.folder)}
        draft.notes += [
            f"{item.path}: ignored, since {file} doesn't build it" for item in found if item.path not in used
        ]
    else:
        declared = assemble.services(tree, found, draft)
        if declared and any(item.name for item in declared):
            draft.app = plan_name(next(item.name for item in declared if item.name) or app)
    draft.notes += notes
    if not draft.services:
        _nothing(draft, notes)
    projects = dependencies.find(tree)
    variables, text = _variables(tree)
    if not composed:
        needs.find(projects, variables, versions.servers(tree), draft, text)
        _provide(draft)
        variables.held |= {item.provides for item in draft.accessories if item.provides}
        frameworks.give(tree, draft)
        _settings(tree, draft, found, variables, projects)
        _required(tree, draft, found, variables)
    _volumes(draft, found)
    databases.find(tree, projects, found, draft, needs.server(projects, variables, text, draft))
    frameworks.flask_app(tree, draft, found)
    compose.settle(draft)
    _release(draft, declared)
    starts.find(tree, draft, found)
    pipeline.find(pipeline.Where(tree, found), projects, draft)
    _routes(draft)
    starts.settle(tree, draft, found)
    _provide(draft)
    sound.repair(draft)
    return draft


def _nothing(draft: Draft, notes: list[str]) -> None:
    seen = "no Dockerfile for production" if notes else "no Dockerfile"
    source = draft.origin.removeprefix("From ")
    has = f"no service of the application in {source}" if source else "no Compose file"
    draft.services.append(ServiceDraft("web", folder=".", why=[f"nothing builds it: there is {seen}, and {has}"]))
    draft.services[0].todo.append(
        "write a Dockerfile (`shipway init --dockerfile` does, for most frameworks), or set its folder here"
    )


def _variables(tree: Tree) -> tuple[needs.Variables, str]:
    """All variables of the repository, and the texts that were read for them."""
    found = needs.Variables()
    for path in settings.files(tree):
        for name, value in settings.parse(tree.text(path)).items():
            found.samples.setdefault(name, value)
    sources = clues.texts(tree, ".")
    found.read = clues.variables(sources)
    extra = [tree.text(path) for path in tree.files if path.endswith((".prisma", "alembic.ini", "database.yml"))]
    return found, "\n".join([*(clue.text for clue in sources), *extra])


def _covers(folder: str, home: str, projects: list[dependencies.Project]) -> bool:
    """Whether a sample in a folder is for what is built from `home`: in it or above it, and not of a project below it."""
    if within(home, folder) is not None:
        return True
    between = (item.folder for item in projects if within(item.folder, home) not in (None, "."))
    return within(folder, home) is not None and not any(within(folder, other) is not None for other in between)


def _settings(
    tree: Tree, draft: Draft, found: list[Build], variables: needs.Variables, projects: list[dependencies.Project]
) -> None:
    """Give the settings of samples to the services of their folder, as far as these have no value of their own."""
    todo_for = next((item for item in draft.services if item.port), draft.services[0])
    todo_for.todo += variables.todo
    for path in settings.files(tree):
        folder = path.rpartition("/")[0] or "."
        samples = settings.parse(tree.text(path))
        for service in draft.services:
            home = service.home or service.folder or "."
            if service.image is not None or not _covers(folder, home, projects):
                continue
            _apply(path, samples, service, draft, found, variables)
    for service in draft.services:
        if service.image is None and not assemble.static(service, found):
            service.environment = {**variables.environment, **service.environment}
            service.secrets += [name for name in variables.secrets if name not in service.secrets]
        given = {*variables.held} - {*variables.environment} - {*variables.secrets}
        service.environment = {
            name: value
            for name, value in service.environment.items()
            if name not in given and name not in service.secrets and name not in draft.addresses
        }
        service.secrets = [name for name in service.secrets if name not in given]
    provided = {name for item in draft.accessories for name in (item.provides, *item.forms)}
    draft.addresses = {
        name: value
        for name, value in draft.addresses.items()
        if name not in provided and not any(name in service.secrets for service in draft.services)
    }


def _required(tree: Tree, draft: Draft, found: list[Build], variables: needs.Variables) -> None:
    """Secrets that the code can't do without, where no sample names them."""
    for service in draft.services:
        if service.image is not None or assemble.static(service, found):
            continue
        wanted = clues.required(clues.texts(tree, service.home or service.folder or "."))
        known = {*service.secrets, *service.environment, *variables.held, *draft.addresses, *variables.samples}
        added = {name: path for name, path in wanted.items() if is_secret(name) and name not in known}
        service.secrets += added
        service.why += [f"{name}, which {path} reads" for name, path in added.items()]


def _apply(
    path: str,
    samples: dict[str, str],
    service: ServiceDraft,
    draft: Draft,
    found: list[Build],
    variables: needs.Variables,
) -> None:
    sorted_ = settings.sort(samples, variables.held, port=service.port)
    build = assemble.of(service, found)
    known = build.facts.arguments if build is not None else {}
    for name in known:
        if name in sorted_.built:
            service.args.setdefault(name, sorted_.built[name])
    built = [name for name in sorted_.built if name not in known]
    if built and build is not None:
        _note(
            draft,
            f"{path}: read while a site is built, so {build.path} needs an ARG for it and the service `args:`: {', '.join(built)}",
        )
    if assemble.static(service, found):
        return
    before = {*service.environment, *service.secrets}
    service.environment |= {name: value for name, value in sorted_.environment.items() if name not in before}
    service.secrets += [name for name in sorted_.secrets if name not in before]
    service.todo += sorted_.todo
    draft.addresses |= sorted_.addresses
    added = [*sorted_.environment, *sorted_.secrets]
    if added:
        service.why.append(f"settings from {path}")
    if sorted_.blank:
        _note(draft, f"{path}: left out, since they have no value there: {', '.join(sorted_.blank)}")


def _note(draft: Draft, note: str) -> None:
    if note not in draft.notes:
        draft.notes.append(note)


def _release(draft: Draft, declared: list[Declared]) -> None:
    """A command that another platform runs before each release is the plan's migration, or is asked about."""
    for app in declared:
        if not app.release:
            continue
        database = next((item for item in draft.databases if item.tool), None)
        if database is not None and starts.MIGRATES.search(app.release):
            database.why += f"; {app.file} runs `{app.release}` before each release"
        else:
            draft.notes.append(
                f"{app.file}: `{app.release}` ran before each release: if it migrates, write it as `database: {{tool: command}}`"
            )


def _volumes(draft: Draft, found: list[Build]) -> None:
    """Folders that a Dockerfile declares as volumes are kept; a Compose file has said what it keeps."""
    for service in draft.services:
        build = assemble.of(service, found)
        for path in build.facts.volumes if build is not None and service.name not in draft.composed else ():
            service.keep(path)


def _routes(draft: Draft) -> None:
    """Give each public service with a port a path, derived from its name, or marked as a question."""
    public = [item for item in draft.services if item.port and item.public]
    taken = {item.route for item in public if item.route}
    built = [item for item in public if item.folder is not None]
    for service in sorted(
        public, key=lambda item: (item.folder is None, 0 if item.name in _FRONT else 2 if item.name in _BACK else 1)
    ):
        if service.route:
            continue
        alone = len(public) == 1 or built == [service]
        if "/" not in taken and (alone or service.name in _FRONT):
            service.route = "/"
        elif service.name in _BACK and "/api" not in taken:
            service.route = "/api"
        else:
            service.route = "/" if "/" not in taken and not _front_exists(public) else f"/{service.name}"
            service.todo.append(f"is {service.route} the right path for {service.name}?")
        taken.add(service.route)
        if not service.health and not service.health_command and not service.health_tcp:
            service.health = "/"
            service.todo.append("health: which path returns 200 when it is ready?")
    for service in draft.services:
        if service.folder is None or service.port or service.command or service.entrypoint or service.serves is False:
            continue
        if not re.search(r"(^|-)(worker|jobs?|beat|scheduler|cron|queue|consumer)(-|$)", service.name):
            service.todo.append("port, route and health, if it serves requests (no EXPOSE or ports found)")


def _front_exists(public: list[ServiceDraft]) -> bool:
    return any(item.name in _FRONT for item in public)


def _provide(draft: Draft) -> None:
    """Provide each accessory's address to the services by a variable."""
    taken = {item.provides for item in draft.accessories}
    for accessory in draft.accessories:
        migrated = any(item.accessory == accessory.name for item in draft.databases)
        if (accessory.provides is None and not accessory.forms) or (accessory.provides == "" and migrated):
            usual = _PROVIDES.get(accessory.kind, "")
            name = usual if usual and usual not in taken else f"{accessory.name.upper().replace('-', '_')}_URL"
            accessory.provides = name
            accessory.why.append(f"provides {name}, the usual name")
            taken.add(name)
