"""Detect migrations: the tool of a folder, its migrations' path, and the service that has them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from shipway.domain.plan import ON_START
from shipway.drafting import migration_commands as commands
from shipway.drafting.builds import Build
from shipway.drafting.dependencies import NODE, Project
from shipway.drafting.draft import DatabaseDraft, Draft, ServiceDraft
from shipway.drafting.migration_commands import Found
from shipway.drafting.platforms.declared import IMAGES
from shipway.drafting.platforms.declared import accessory as new_accessory
from shipway.drafting.tree import Tree, above, join, within

_DBMATE = re.compile(r"^--\s*migrate:up\b", re.MULTILINE)
_GOOSE = re.compile(r"^--\s*\+goose\s+up\b", re.MULTILINE | re.IGNORECASE)
_SEQUELIZE_PATH = re.compile(
    r"""['"]migrations-path['"]\s*:\s*(?:[\w.]+\(\s*(?:__dirname\s*,\s*)?)?((?:['"][^'"]+['"]\s*,?\s*)+)"""
)
_KNEX_PATH = re.compile(r"""directory\s*:\s*(['"][^'"]+['"])""")
_DRIZZLE_PATH = re.compile(r"""\bout\s*:\s*(['"][^'"]+['"])""")
# As an address with an absolute path, or the path alone.
_SQLITE_FILE = re.compile(
    r"(?:sqlite[\w+]*:(?:///|(?=/[^/]))|file:)(?P<file>/[^:?]*[\w.-])(?:\?.*)?|(?P<alone>/[^:?]+\.(?:sqlite3?|db3?))"
)
READER = "python:3.13-slim"  # has Python, which reads SQLite files
_TO_ADD = "put it into one, and add `database: {file: …}`"
_LOOSE = re.compile(r"(^|/)(test|tests|spec|testdata|fixtures|examples?|docs)(/|$)")


def find(tree: Tree, projects: list[Project], builds: list[Build], draft: Draft, server: str | None) -> None:
    """Add the migrations. The first supported tool becomes the plan's. server: what the repository says that they are for,
    postgres, mysql or sqlite; None: nothing."""
    for found in _all(tree, projects):
        if not _LOOSE.search(found.folder):
            found.database.why = join(found.folder, found.evidence)
            _add(tree, draft, builds, found, server)


def _all(tree: Tree, projects: list[Project]) -> Iterator[Found]:
    nodes = {project.folder: project for project in projects if project.language == NODE}
    for folder in tree.folders:
        names = {*tree.names(folder)}
        yield from _python(tree, folder, names)
        yield from _node(tree, folder, names, nodes.get(folder))
        if "rails" in names and posixpath.basename(folder) == "bin" and tree.has(join(folder, "../db/migrate")):
            yield commands.rails(join(folder, ".."))
        if "artisan" in names and tree.has(join(folder, "database/migrations")):
            yield commands.laravel(folder)
        yield from _sql(tree, folder, names)
        changelogs = (
            name for name in sorted(names) if re.fullmatch(r"(db\.)?changelog[\w.-]*\.(xml|ya?ml|json|sql)", name)
        )
        changelog = next(
            (
                name
                for name in changelogs
                if re.search(r"databaseChangeLog|liquibase formatted", tree.text(join(folder, name)))
            ),
            None,
        )
        if changelog and posixpath.basename(folder) not in ("changes", "changesets"):
            yield _named(
                "liquibase",
                folder,
                changelog,
                "Liquibase isn't built in: run it with `tool: command` (docs/databases.md), in an image that has it",
            )


def _named(tool: str, folder: str, evidence: str, message: str) -> Found:
    return Found(DatabaseDraft(tool="", unsupported=message), folder, evidence, folder)


def _python(tree: Tree, folder: str, names: set[str]) -> Iterator[Found]:
    """Flask-Migrate's folder has an alembic.ini too, beside env.py."""
    if "alembic.ini" in names:
        yield Found(DatabaseDraft(tool="alembic"), folder, "alembic.ini", join(folder, "alembic.ini"))
    if "manage.py" in names and "django" in tree.text(join(folder, "manage.py")).lower():
        yield Found(DatabaseDraft(tool="django"), folder, "manage.py", join(folder, "manage.py"))


def _node(tree: Tree, folder: str, names: set[str], project: Project | None) -> Iterator[Found]:
    if ".sequelizerc" in names or (
        project
        and project.has("sequelize-cli", "sequelize")
        and (project.has("sequelize-cli") or tree.has(join(folder, "migrations")))
    ):
        text = tree.text(join(folder, ".sequelizerc"))
        path = _path(_SEQUELIZE_PATH, text)
        evidence = ".sequelizerc" if ".sequelizerc" in names else "package.json"
        yield Found(DatabaseDraft(tool="sequelize", folder=path), folder, evidence, join(folder, path or "migrations"))
    knexfile = next((name for name in sorted(names) if re.fullmatch(r"knexfile\.[cm]?[jt]s", name)), None)
    if knexfile:
        path = _path(_KNEX_PATH, tree.text(join(folder, knexfile)))
        yield Found(DatabaseDraft(tool="knex", folder=path), folder, knexfile, join(folder, path or "migrations"))
    if posixpath.basename(folder) == "prisma" and "schema.prisma" in names and tree.has(join(folder, "migrations")):
        provider = re.search(
            r"datasource\s+\w+\s*\{[^}]*provider\s*=\s*\"(\w+)\"", tree.text(join(folder, "schema.prisma"))
        )
        if provider is None or provider[1] in ("postgresql", "postgres"):
            yield commands.prisma(folder, _package(tree, folder))
    config = next((name for name in sorted(names) if re.fullmatch(r"drizzle\.config\.[cm]?[jt]s", name)), None)
    if config:
        out = _path(_DRIZZLE_PATH, tree.text(join(folder, config))) or "drizzle"
        if tree.is_file(join(folder, f"{out}/meta/_journal.json")):
            yield commands.drizzle(folder, config, out, project)
    if project and project.has("typeorm"):
        source = next(
            (
                path
                for path in tree.below(folder)
                if re.search(r"(data-?source|ormconfig)\.[jt]s$", path) and not _LOOSE.search(path)
            ),
            None,
        )
        migrations = next(
            (
                posixpath.dirname(path)
                for path in tree.below(folder)
                if re.search(r"/migrations?/\d{13}-[\w-]+\.[jt]s$", path)
            ),
            None,
        )
        if source and migrations:
            yield commands.typeorm(folder, source, migrations)


def _package(tree: Tree, folder: str) -> str:
    """The folder of the package that a folder belongs to, where its tools run."""
    return next(
        (place for place in above(folder) if tree.is_file(join(place, "package.json"))),
        posixpath.dirname(folder) or ".",
    )


def _sql(tree: Tree, folder: str, names: set[str]) -> Iterator[Found]:
    scripts = sorted(name for name in names if name.endswith(".sql"))[:20]
    parent, here = posixpath.split(folder)
    base = parent or "."
    if not scripts or folder == ".":
        return
    texts = {name: tree.text(join(folder, name)) for name in scripts}
    if any(_DBMATE.search(text) for text in texts.values()):
        if here == "migrations" and posixpath.basename(base) == "db":
            base, here = posixpath.dirname(base) or ".", "db/migrations"
        yield Found(
            DatabaseDraft(tool="dbmate", folder=None if here == "db/migrations" else here),
            base,
            f"{here}/*.sql",
            folder,
        )
    elif any(name.endswith(".up.sql") for name in scripts):
        yield Found(DatabaseDraft(tool="sql", folder=here), base, f"{here}/*.up.sql", folder)
    elif any(_GOOSE.search(text) for text in texts.values()):
        yield Found(DatabaseDraft(tool="sql", folder=here), base, f"{here}/*.sql", folder)
    elif "up.sql" in names:  # Diesel: a folder for each migration
        outer, name = posixpath.split(base)
        first = min(
            tree.folders.index(other)
            for other in tree.folders
            if posixpath.dirname(other) == base and tree.is_file(join(other, "up.sql"))
        )
        if base != "." and tree.folders[first] == folder:
            yield Found(DatabaseDraft(tool="sql", folder=name), outer or ".", f"{name}/*/up.sql", base)
    elif any(re.fullmatch(r"V\d[\w.]*__\w+\.sql", name) for name in scripts):
        if "src/main/resources" in folder:
            yield Found(DatabaseDraft(tool=ON_START), folder, "V*__*.sql, which Flyway runs", folder)
        else:
            yield Found(DatabaseDraft(tool="sql", folder=here), base, f"{here}/V*__*.sql", folder)


def _path(pattern: re.Pattern[str], text: str) -> str | None:
    """The folder in a configuration's string literals, joined; None for the tool's default."""
    match = pattern.search(text)
    parts = re.findall(r"""['"]([^'"]+)['"]""", match[1]) if match else []
    path = "/".join(part.removeprefix("./").strip("/") for part in parts)
    return None if path in ("", "migrations") or ".." in path else path


def _add(tree: Tree, draft: Draft, builds: list[Build], found: Found, server: str | None) -> None:
    """Add it with its service and its server; a database that nothing else mentions is added."""
    database = found.database
    service, build = _owner(draft, builds, found)
    if service is None:
        draft.notes.append(f"{database.why}: ignored: no service is built from that folder")
        return
    other = next((item for item in draft.databases if item.tool), None)
    if other is not None:
        name = database.tool if database.tool != "command" else found.evidence
        draft.notes.append(
            f"{database.why}: ignored: a plan has one `database`, and {other.why} was found before ({name})"
        )
        service.todo.append(
            f"migrations of {service.name} ({database.why}): a plan has one `database`, here that of {other.service}"
        )
        return
    if database.unsupported:
        draft.databases.append(database)
        return
    kind = "mysql" if server == "mysql" else "postgres"
    accessory = next((item for item in draft.accessories if item.kind == kind), None)
    if accessory is None and (file := _file(service)) and database.tool != ON_START:
        database.file, database.service = file, service.name
        if build is None or "python" not in build.facts.final_base:
            database.image = READER
        if build is not None:
            _place(found, build)
        draft.databases.append(database)
        return
    outside = _outside(draft, service, server) if accessory is None else ""
    if outside:
        database.tool, database.unsupported = "", outside
        draft.databases.append(database)
        return
    if accessory is None:
        name = next(
            name for name in ("db", "database", "db-server") if all(item.name != name for item in draft.services)
        )
        accessory = new_accessory(name, kind, IMAGES[kind], "DATABASE_URL", f"{database.why} needs a database")
        question = "which version is it?" if server == kind else "is it PostgreSQL, and which version?"
        accessory.todo.append(f"the repository doesn't name the database: {question}")
        draft.accessories.append(accessory)
    database.accessory, database.service = accessory.name, service.name
    if build is not None and database.tool != ON_START:
        _place(found, build)
    draft.databases.append(database)


def _file(service: ServiceDraft) -> str:
    """The SQLite file that the service's settings name, if it is directly in a volume; else empty."""
    for value in service.environment.values():
        match = _SQLITE_FILE.fullmatch(value)
        path = posixpath.normpath(match["file"] or match["alone"]) if match else ""
        if posixpath.dirname(path) in service.volumes.values():
            return path
    return ""


def _outside(draft: Draft, service: ServiceDraft, server: str | None) -> str:
    """Why no database is added to the accessories: the settings name another one. Empty without such a setting."""
    for name, value in service.environment.items():
        if re.match(r"(sqlite\w*(:|$)|file:)", value) or re.search(r"\.(sqlite3?|db3?)$", value):
            return f"{name} is a file of SQLite, but not directly in a volume of {service.name}: {_TO_ADD}"
    if draft.origin and service.name in draft.composed:
        name = next((name for name in service.secrets if re.search(r"DATABASE_UR[LI]$|^POSTGRES_URL$", name)), "")
        product = "MySQL or MariaDB" if server == "mysql" else "PostgreSQL"
        where = f"{name} is a database outside of this plan" if name else f"its Compose file has no {product}"
        return f"{where}: run these yourself, or add the accessory and `database`"
    return (
        f"the settings name SQLite, but no file in a volume of {service.name}: {_TO_ADD}" if server == "sqlite" else ""
    )


def _place(found: Found, build: Build) -> None:
    """The folder as the image has it. Tools get it relative to the image's WORKDIR."""
    database = found.database
    at = within(found.folder, build.context) or "."
    needed = within(found.migrations, build.context)
    copied = build.facts.inside(needed) if needed else None
    if needed and copied is None and build.facts.parsed:
        database.todo.append(f"the image must contain {needed}, but {build.path} doesn't copy it")
        return
    inner: str | None
    if database.tool in ("alembic", "django"):
        inner = posixpath.dirname(copied) if copied else at
    elif database.tool == "command":
        if build.facts.final_base.startswith("oven/bun"):  # which has no npx
            database.commands = {
                name: text.replace("npx --no-install ", "bun run ") for name, text in (database.commands or {}).items()
            }
        inner = _project(copied, within(needed or at, at))
    else:
        inner = copied if copied is not None else database.folder
    if inner and inner.startswith("/"):
        database.todo.append(
            f"folder: relative to the image's WORKDIR, which {build.path} doesn't name; it is in {inner}"
        )
        inner = None
    default = {"dbmate": "db/migrations", "sequelize": "migrations", "knex": "migrations"}.get(database.tool, ".")
    database.folder = None if inner in (None, "", default) else inner


def _project(copied: str | None, below: str | None) -> str | None:
    """The folder where the tool runs, from where its migrations are, and from their path in the project."""
    if copied is None or below in (None, "."):
        return None
    if copied == below:
        return None
    return copied[: -len(below or "") - 1] if copied.endswith(f"/{below}") else None


def _owner(draft: Draft, builds: list[Build], found: Found) -> tuple[ServiceDraft | None, Build | None]:
    """The service whose image has the migrations: built from the nearest folder, public ones first."""
    by_file = {(item.context, item.dockerfile): item for item in builds}
    options: list[tuple[tuple[bool, int, bool], ServiceDraft, Build | None]] = []
    for service in draft.services:
        if service.folder is None:
            continue
        build = by_file.get((service.folder, service.dockerfile))
        home = service.home or (build.home if build else service.folder)
        below = within(found.migrations, service.folder)
        if below is None or not (
            within(found.folder, home) is not None
            or within(home, found.folder) is not None
            or (build and build.context != build.home)
        ):
            continue
        copied = build is None or build.facts.inside(below) is not None
        near = len(home) if within(found.folder, home) is not None and home != "." else 0
        options.append(((not copied, -near, not service.port), service, build))
    best = min(options, key=lambda item: item[0], default=None)
    return (best[1], best[2]) if best else (None, None)
