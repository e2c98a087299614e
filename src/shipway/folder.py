"""Composes what the proof of a folder needs: its migrations, a server, and the tool that runs them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shipway.actions.proofs.folder import MigrationFolder
from shipway.actions.proofs.folder_selection import Listed
from shipway.context import Machine
from shipway.domain.errors import ProofError, UsageError
from shipway.domain.value import dataclass
from shipway.drivers import driver, scratch_name
from shipway.drivers.database.row_changes import changed_tables
from shipway.drivers.database.sql_folder import Contents, folder_contents
from shipway.ports import Scratch
from shipway.proving.sequence import ToolAt
from shipway.system.locks import private_folder

if TYPE_CHECKING:
    from shipway.drivers.database.sql_folder import Migration

DIALECTS = ("postgres", "mysql", "sqlite")
_REVISION = re.compile(r"^revision\b[^=\n]*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)  # of a script of Alembic


@dataclass(frozen=True)
class Server:
    """Where a folder is proven: on a running server, or on one that is started for it. dialect: of DIALECTS; image: None
    is the default of the dialect."""

    url: str | None
    dialect: str
    image: str | None = None


def read_folder(folder: Path, layout: str | None, dialect: str | None) -> Contents:
    """The contents of a folder. ProofError if it can't be read."""
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        raise ProofError(f"the folder {folder} can't be read: permission denied", hint="check its owner and mode")
    try:
        return folder_contents(folder, layout, dialect)
    except OSError as error:
        raise ProofError(
            f"{error.filename or folder} can't be read: {error.strerror}", hint="check its owner and mode"
        ) from error


def choose_dialect(url: str | None, dialect: str | None, image: str | None) -> str | None:
    """The dialect that the options name; None if they don't. UsageError if they contradict each other."""
    from shipway.drivers.own_server import kind_of

    if url is not None and image is not None:
        raise UsageError("--image has no meaning with --database: it is the image of a server that is started")
    of_url = scratch_name(url) if url is not None else None
    of_image = kind_of(image) if image is not None else None
    for option, found in (("--database", of_url), ("--image", of_image)):
        if dialect and found and dialect != found:
            raise UsageError(f"--dialect {dialect} contradicts {option}, which is {found}")
    if dialect == "sqlite" and image is not None:
        raise UsageError("--image has no meaning with --dialect sqlite: it needs no server")
    return of_url or dialect or of_image


def server_for(contents: Contents, url: str | None, dialect: str | None, image: str | None) -> Server:
    """The server for a folder; dialect: as `choose_dialect` returned it. ProofError if there is no such server."""
    found = dialect or contents.dialect or DIALECTS[0]
    if found not in DIALECTS:
        raise ProofError(
            f"the migrations in {contents.folder} are written for {found}, which can't be tested",
            hint=f"supported are {', '.join(DIALECTS)}: if one of them can run these migrations, pass --dialect",
        )
    return Server(url, found, image)


def listed(contents: Contents) -> tuple[list[Listed], list[Listed]]:
    """The migrations and the skipped ones. Without migrations if only the tool of the layout can list them."""
    skipped = [
        Listed(item.name, files=(item.path,), reason=_with_path(item.path, item.reason), position=item.position)
        for item in contents.skipped
    ]
    return [_listed(item) for item in contents.migrations], skipped


@contextmanager
def open_folder(
    contents: Contents, server: Server, timeout: float, machine: Callable[[], Machine],
    *, changed: frozenset[str] = frozenset(), on_pull: Callable[[str], None] = lambda line: None,
) -> Iterator[MigrationFolder]:  # fmt: skip
    """A folder with its server. timeout: seconds for each up or down migration. machine: runs the server, if there is no
    URL. changed: files whose migrations must be known. on_pull: receives the progress of pulling its image. ProofError if that isn't possible."""
    late = timeout + 1.0  # for sessions that can't be terminated externally
    with ExitStack() as ending:
        scratch = _scratch(server, machine, ending, on_pull)
        migrations, skipped = listed(contents)
        if contents.layout in _TOOLS:
            revisions, tool_at = _TOOLS[contents.layout](contents.folder, scratch, late)
            migrations = [Listed(item, files=_files(contents.folder, item, changed)) for item in revisions]
            yield MigrationFolder(scratch, tool_at, migrations, skipped)
            return
        make = driver("database", "bare")
        scripts = {item.version: (item.up.path, item.up.text) for item in contents.migrations}
        linter = driver("lint", "squawk")() if server.dialect == "postgres" else None
        yield MigrationFolder(
            scratch, lambda database, at: make(database, contents.migrations, at, late), migrations, skipped, scripts,
            changed=lambda revision: changed_tables(scripts[revision][1]), linter=linter,
        )  # fmt: skip


def _scratch(
    server: Server, machine: Callable[[], Machine], ending: ExitStack, on_pull: Callable[[str], None]
) -> Scratch:
    make = driver("scratch", server.dialect)
    if server.dialect == "sqlite":  # it has no server to create databases on
        found: Scratch = make(private_folder() / "scratch")
        return found
    if server.url is not None:
        found = make(server.url)
        return found
    from shipway.drivers.own_server import own_server

    here = machine()
    own = own_server(here.runtime, here.images, server.dialect, server.image, lambda at: make(at).version(), on_pull)
    found = make(*ending.enter_context(own))
    return found


def _alembic(folder: Path, scratch: Scratch, timeout: float) -> tuple[list[str], ToolAt]:
    from shipway.drivers.database.alembic_here import alembic_here, alembic_revisions

    return alembic_revisions(folder, scratch, timeout), lambda database, at: alembic_here(folder, database, timeout)


def _django(folder: Path, scratch: Scratch, timeout: float) -> tuple[list[str], ToolAt]:
    from shipway.drivers.database.django_here import django_here, django_revisions

    return django_revisions(folder, scratch, timeout), lambda database, at: django_here(folder, database, timeout)


_TOOLS = {"alembic": _alembic, "django": _django}  # layouts whose migrations only their own tool can list


def _listed(item: Migration) -> Listed:
    return Listed(item.version, item.name, item.paths)


def _with_path(path: str, reason: str) -> str:
    return reason if path in reason else f"{path}: {reason}"


def _files(folder: Path, revision: str, changed: frozenset[str]) -> tuple[str, ...]:
    """Those of the changed files that contain this revision: the tools don't tell in which file one is."""
    return tuple(sorted(path for path in changed if revision in _revisions(folder, path)))


def _revisions(folder: Path, path: str) -> set[str]:
    """What the revision in a Python file may be called by its tool."""
    file = PurePosixPath(path)
    if file.suffix != ".py":
        return set()
    app = file.parent.parent.name
    try:
        text = (folder / path).read_text(encoding="utf-8", errors="replace")
    except OSError:  # it was removed
        text = ""
    return {file.stem, f"{app}.{file.stem}", f"{app}/{file.stem}", *_REVISION.findall(text)}
