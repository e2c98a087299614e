"""Programs that migrate their database when they start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shipway.domain.plan import Service
from shipway.drafting import assemble, dockerfile
from shipway.drafting.builds import Build
from shipway.drafting.draft import DatabaseDraft, Draft, ServiceDraft
from shipway.drafting.files import lenient
from shipway.drafting.tree import Tree

MIGRATES = re.compile(
    r"alembic upgrade|flask db upgrade|manage\.py migrate|db:migrate|db:prepare|prisma migrate deploy|artisan migrate|knex migrate|migrate:latest"
    r"|migration:run|goose \S* ?up|dbmate (up|migrate)|drizzle-kit migrate|sequelize(-cli)? db:migrate"
)
NO_DOWN = "there are no down migrations: only a snapshot restores the earlier schema"
_PLACES = (".", "bin", "docker", "scripts", "deploy")  # of the script that an ENTRYPOINT names


def find(tree: Tree, draft: Draft, found: list[Build]) -> None:
    """Name the services that migrate when they start, beside a migration tool that Shipway runs."""
    if not any(item.tool for item in draft.databases):
        return
    for service in draft.services:
        if match := _of_draft(tree, service, found):
            service.todo.append(
                f"it runs `{match}` when it starts, and `database` migrates before a new container takes requests: remove that "
                "there, or give `database` the `tool: on-start`, after which only a snapshot restores the earlier schema"
            )


def settle(tree: Tree, draft: Draft, found: list[Build]) -> None:
    """Add the migrations that a program runs when it starts, where the plan has no tool for them; the program must show by
    its health that it has migrated."""
    for service in draft.services:
        accessory = next((item for item in draft.accessories if item.kind == "postgres"), None)
        match = _of_draft(tree, service, found)
        if match and accessory is not None and not any(item.tool or item.unsupported for item in draft.databases):
            why = f"`{match}`"
            draft.databases.append(DatabaseDraft(accessory.name, service.name, "on-start", why=why))
    for database in draft.databases:
        owner = next((item for item in draft.services if item.name == database.service), None)
        if database.tool == "on-start" and owner is not None:
            if not (owner.health or owner.health_command or owner.health_tcp):
                database.tool = ""
                database.unsupported = (
                    f"{owner.name} migrates when it starts: give it `health`, and `database` the `tool: on-start`"
                )
            else:
                database.todo.append(f"{owner.name} migrates when it starts ({database.why}): {NO_DOWN}")


def of_plan(root: Path, service: Service) -> str:
    """The command by which a service of a plan migrates when it starts; empty if none is seen."""
    texts = [service.command or "", service.entrypoint or ""]
    if service.build is not None:
        folder = root / service.build.folder
        known = dockerfile.read(folder / service.build.dockerfile, service.build.target)
        if known is not None:
            entry = service.entrypoint or known.entrypoint or ""
            texts += [entry, "" if service.command else known.command or ""]
            script = _script(" ".join(texts))
            texts += [
                lenient(folder / place / script) for place in _PLACES if script and (folder / place / script).is_file()
            ]
    return _first(texts)


def _of_draft(tree: Tree, service: ServiceDraft, found: list[Build]) -> str:
    build = assemble.of(service, found)
    texts = [service.command or "", service.entrypoint or ""]
    if build is not None and not service.command:
        texts.append(build.facts.command or "")
    if build is not None:
        entry = build.facts.entrypoint or ""
        script = _script(entry)
        texts += [entry, *[tree.text(path) for path in tree.files if script and path.rpartition("/")[2] == script][:3]]
    return _first(texts)


def _script(command: str) -> str:
    """The name of the first file in a command."""
    return next((word for word in command.split() if "/" in word or word.endswith(".sh")), "").rpartition("/")[2]


def _first(texts: Iterable[str]) -> str:
    return next((match[0].strip() for text in texts if (match := MIGRATES.search(text))), "")
