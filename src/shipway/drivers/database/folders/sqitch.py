"""Sqitch: changes in the order of `sqitch.plan`, with scripts in `deploy`, `revert` and `verify`.

References: sqitch's documentation of the plan (sqitchchanges, sqitch-rework) and of its configuration. psql runs the
scripts without a transaction of its own: they have BEGIN and COMMIT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from shipway.domain.value import dataclass
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Reading, attempt
from shipway.drivers.database.migration import Callbacks, Migration, Skipped

_PLAN = "sqitch.plan"
_CONFIG = "sqitch.conf"
_LINE = re.compile(r"(?P<tag>@?)(?P<name>[^\s\[\]#%@-][^\s\[#]*)")
_KEY = re.compile(r"^\s*(?P<key>\w+)\s*=\s*(?P<value>[^\n;#]*?)\s*$")


@dataclass(frozen=True)
class Change:
    """A change of the plan; `file` differs from its name if a later change reworks it."""

    name: str
    file: str


def changes(plan: str) -> list[Change]:
    """The changes of a plan. One that is reworked has the files `name@tag`, by the first tag after it."""
    names: list[str] = []
    tags: list[tuple[int, str]] = []  # number of changes before it, and its name
    for line in plan.splitlines():
        match = _LINE.match(line.strip().removeprefix("+").lstrip())
        if match is None:
            continue
        if match["tag"]:
            tags.append((len(names), match["name"]))
        else:
            names.append(match["name"])
    last = {name: index for index, name in enumerate(names)}
    found = []
    for index, name in enumerate(names):
        tag = next((tag for count, tag in tags if count > index), None) if last[name] != index else None
        found.append(Change(name, f"{name}@{tag}" if tag else name))
    return found


def _settings(text: str) -> Mapping[tuple[str, str], str]:
    """By section and key."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"\s*\[([^\]]*)\]", line):
            section = heading[1].strip()
        elif match := _KEY.match(line):
            found[section, match["key"]] = match["value"]
    return found


def _read(files: Files) -> Reading:
    settings = _settings(files.above(_CONFIG, 3))
    engine = settings.get(("core", "engine"), "pg")
    top = _folder(settings.get((f'engine "{engine}"', "top_dir"), settings.get(("core", "top_dir"), "")))
    top = top if any(name.startswith(top) for name in files) else ""
    suffix = settings.get(("core", "extension"), "sql")
    verify = settings.get(("deploy", "verify"), "").lower() in ("true", "yes", "on", "1")
    plan = next((name for name in (f"{top}{_PLAN}", _PLAN) if name in files), None)
    if plan is None:
        return Reading(())
    try:
        listed = changes(files.text(plan))
    except Unreadable as error:
        return Reading((Skipped(error.path, error.path, error.reason),))
    entries: list[Entry] = []
    for change in listed:
        deploy, revert, check = (f"{top}{kind}/{change.file}.{suffix}" for kind in ("deploy", "revert", "verify"))
        if deploy not in files:
            entries.append(Skipped(change.file, deploy, f"is in {_PLAN}, but there is no such file"))
            continue
        make = partial(_change, files, change, deploy, revert, check if verify else "")
        entries.append(attempt(change.file, files.names[deploy], make))
    used = {path for name, path in files.names.items() if name.startswith((f"{top}verify/", plan, _CONFIG))}
    return Reading(tuple(entries), frozenset(used))


def _folder(setting: str) -> str:
    name = setting.strip("\"' ").removeprefix("./").strip("/")
    return f"{name}/" if name not in ("", ".") else ""


def _change(files: Files, change: Change, deploy: str, revert: str, verify: str) -> Migration:
    down = files.script(revert, alone=True) if revert in files else None
    checks = (files.script(verify, alone=True),) if verify in files else ()
    return Migration(
        change.file, change.name, files.script(deploy, alone=True), down, around_up=Callbacks(check_each=checks)
    )


def _fits(files: Files) -> bool:
    return _PLAN in files or (_CONFIG in files and any(name.endswith(f"/{_PLAN}") for name in files))


SQITCH = Layout(_fits, _read)
