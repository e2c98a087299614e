"""yoyo: `name.sql` with `name.rollback.sql`, in the order of `-- depends:` headers.

Reference: yoyo's migrations.py (read_migrations, parse_metadata_from_sql_comments) and topologicalsort.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Reading, attempt, short_versions
from shipway.drivers.database.migration import Callbacks, Migration, Skipped, SqlFile

_ROLLBACK = ".rollback.sql"
_HEADER = re.compile(r"--[ \t]*(?P<key>[\w-]+)[ \t]*:[ \t]*(?P<value>[^\n]*)")
_HOOK = "post-apply"


def _headers(text: str) -> Mapping[str, str]:
    """The comments at the start of a file, by key."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("--"):
            break
        if match := _HEADER.match(line.strip()):
            found[match["key"].lower()] = match["value"].strip()
    return found


def _text(files: Files, name: str) -> str:
    try:
        return files.text(name)
    except Unreadable:
        return ""


def _read(files: Files) -> Reading:
    sources = {
        name.rpartition(".")[0]: name
        for name in [*files.top(".py"), *files.top()]
        if not name.endswith(_ROLLBACK) and name != "__init__.py"
    }
    hooks = {stem: sources.pop(stem) for stem in list(sources) if stem.startswith(_HOOK)}
    versions = short_versions(sources)
    headers = {stem: _headers(_text(files, name)) for stem, name in sources.items() if name.endswith(".sql")}
    depends = {stem: headers.get(stem, {}).get("depends", "").split() for stem in sources}
    callbacks, rows = _hooks(files, hooks)
    entries: list[Entry] = []
    sequence, circular = _sorted(
        {stem: [item for item in depends[stem] if item in sources] for stem in sorted(sources)}
    )
    for stem in [*sequence, *circular]:
        path, version = files.names[sources[stem]], versions[stem]
        missing = [item for item in depends[stem] if item not in sources]
        if not path.endswith(".sql"):
            entries.append(Skipped(version, path, "written in Python"))
        elif missing:
            entries.append(Skipped(version, path, f"depends on {', '.join(missing)}: there is no such migration"))
        elif stem in circular:
            entries.append(Skipped(version, path, "depends on itself"))
        else:
            alone = headers[stem].get("transactional", "").lower() == "false"
            entries.append(attempt(version, path, partial(_migration, files, stem, version, alone, callbacks)))
    orphans = [
        Skipped(name, files.names[name], "has no up migration")
        for name in files.top(_ROLLBACK)
        if name.removesuffix(_ROLLBACK) not in sources and not name.startswith(_HOOK)
    ]
    used = {files.names[name] for name in [*hooks.values(), *files.top(_ROLLBACK)]}
    return Reading((*entries, *orphans, *rows), frozenset(used))


def _migration(files: Files, stem: str, version: str, alone: bool, callbacks: Callbacks) -> Migration:
    rollback = f"{stem}{_ROLLBACK}"
    down = None
    if rollback in files:
        own = _headers(files.text(rollback)).get("transactional", "").lower() == "false"
        down = files.script(rollback, alone=alone or own)
    return Migration(version, stem, files.script(f"{stem}.sql", alone=alone), down, around_up=callbacks)


def _hooks(files: Files, hooks: Mapping[str, str]) -> tuple[Callbacks, list[Skipped]]:
    """Scripts that yoyo runs at the end of each `yoyo apply`."""
    scripts: list[SqlFile] = []
    rows: list[Skipped] = []
    for _, name in sorted(hooks.items()):
        path = files.names[name]
        try:
            if name.endswith(".sql"):
                scripts.append(files.script(name))
            else:
                rows.append(Skipped(path, path, "written in Python"))
        except Unreadable as error:
            rows.append(Skipped(path, path, error.reason))
    return Callbacks(after=tuple(scripts)), rows


def _sorted(depends: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """Names, each after those that it depends on, else in their order; and those that depend on themselves."""
    done: dict[str, None] = {}
    remaining = list(depends)
    while remaining:
        later = []
        for name in remaining:
            if all(item in done for item in depends[name]):
                done[name] = None
            else:
                later.append(name)
        if len(later) == len(remaining):
            return list(done), later
        remaining = later
    return list(done), []


def _fits(files: Files) -> bool:
    if "yoyo.ini" in files or files.above("yoyo.ini", 2):
        return bool(files.top())
    if any(name.endswith(_ROLLBACK) for name in files.top()):
        return "meta/_journal.json" not in files
    return any("depends" in _headers(_text(files, name)) for name in files.top())


YOYO = Layout(_fits, _read)
