"""Survey a repository and draft a plan for it."""

from __future__ import annotations

from pathlib import Path

from shipway.drafting import compose, databases, dockerfile, projects, sound
from shipway.drafting.draft import Draft, ServiceDraft, plan_name

_FRONT = ("frontend", "web", "site", "ui", "client", "www", "nginx", "proxy", "app")
_BACK = ("backend", "api", "server")
_PROVIDES = {"postgres": "DATABASE_URL", "mysql": "DATABASE_URL", "redis": "REDIS_URL"}


def survey(root: Path, app: str, branch: str, files: tuple[str, ...] = ()) -> Draft:
    """A draft that is a valid plan when written, if the repository has everything a plan needs. files: of Compose, to be
    read instead of those that are found."""
    draft = Draft(plan_name(app), branch)
    folders = dockerfile.folders(root)
    file = compose.find(root, draft, files)
    if not draft.services:
        draft.services = [dockerfile.service(root, folder, draft.app) for folder in folders]
    else:
        used = {item.folder for item in draft.services}
        draft.notes += [
            f"{folder}/Dockerfile: ignored, since {file} doesn't build it"
            for folder in folders
            if folder not in used and f"{folder}/Dockerfile".removeprefix("./") not in draft.built
        ]
    if not draft.services:
        seen = (
            f"{draft.origin}, where nothing is left of the application" if draft.origin else "there is no compose file"
        )
        draft.services.append(ServiceDraft("web", folder=".", why=[f"nothing: there is no Dockerfile, and {seen}"]))
        draft.services[0].todo.append(
            "write a Dockerfile (`shipway init --dockerfile` does, for most frameworks), or set its folder here"
        )
    databases.find(root, dockerfile.parts(root), draft)
    compose.settle(draft)
    for folder in dockerfile.parts(root):
        projects.find(root, folder, draft)
    _routes(draft)
    _provide(draft)
    sound.repair(draft)
    return draft


def _routes(draft: Draft) -> None:
    """Give each public service with a port a path, derived from its name, or marked as a question."""
    public = [item for item in draft.services if item.port and item.public]
    taken = {item.route for item in public if item.route}
    for service in sorted(public, key=lambda item: 0 if item.name in _FRONT else 2 if item.name in _BACK else 1):
        if service.route:
            continue
        if len(public) == 1 or (service.name in _FRONT and "/" not in taken):
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
        if service.folder is not None and not service.port and not service.command and service.serves is not False:
            service.todo.append("port, route and health, if it serves requests (no EXPOSE or ports found)")


def _front_exists(public: list[ServiceDraft]) -> bool:
    return any(item.name in _FRONT for item in public)


def _provide(draft: Draft) -> None:
    """Provide each accessory's address to the services by a variable."""
    taken = {item.provides for item in draft.accessories}
    for accessory in draft.accessories:
        migrated = any(item.accessory == accessory.name for item in draft.databases)
        if accessory.provides is None or (accessory.provides == "" and migrated):
            usual = _PROVIDES.get(accessory.kind, "")
            name = usual if usual and usual not in taken else f"{accessory.name.upper().replace('-', '_')}_URL"
            accessory.provides = name
            accessory.why.append(f"provides {name}, the usual name")
            taken.add(name)
