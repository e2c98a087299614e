"""Down migrations in a release's record: a rollback stays possible when the image is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from shipway.context import Context
from shipway.domain.release import Evidence, Release
from shipway.ports import DatabaseTool

SCRIPTS = "scripts"  # kind of evidence
FOUND = "schema found"  # kind of evidence
# The up file beside a down file, by the layouts of `tool: sql`.
_UP = (
    (re.compile(r"(.+)\.down\.sql"), r"\1.up.sql"),
    (re.compile(r"(.+/)down\.sql"), r"\1up.sql"),
    (re.compile(r"U(.+__.+\.sql)"), r"V\1"),
)
_UNKNOWN = b"-- what this applied was not recorded\n"


def record_scripts(
    ctx: Context, app: str, environment: str, release: int, tool: DatabaseTool, revisions: Sequence[str]
) -> None:
    """Record the down migrations of revisions that a deployment is about to apply. Complete and exact, or not at all: a
    script with a masked secret must never run."""
    found = dict(tool.scripts(revisions))
    altered = [path for path, text in found.items() if ctx.redactor.mask(text) != text]
    if altered:
        ctx.reporter.note(
            f"the down migrations of release {release} were not recorded, since {', '.join(altered)} contains a secret's value: a rollback needs the image"
        )
        found = {}
    record = Evidence(
        app, release, environment, SCRIPTS, " ".join(revisions), bool(found), json.dumps(found), ctx.clock()
    )
    ctx.ledger.add_evidence(record)


def record_found(ctx: Context, release: Release, environment: str, revision: str | None) -> None:
    """Record the revision of a database that a first deployment is about to migrate: no earlier deployment records
    it."""
    ctx.ledger.add_evidence(
        Evidence(release.app, release.number, environment, FOUND, revision or "", True, "", ctx.clock())
    )


def recorded_found(ctx: Context, release: Release, environment: str, since: float) -> tuple[str | None] | None:
    """That revision, as recorded by the first deployment that began then; None if it ended before."""
    kept = [
        item
        for item in ctx.ledger.evidence(release.app, release.number)
        if (item.kind, item.environment) == (FOUND, environment)
    ]
    names = [item.name or None for item in kept if item.at >= since]
    return (names[0],) if names else None


def recorded_scripts(ctx: Context, app: str, environment: str, release: int) -> dict[str, str]:
    """All scripts that deployments of the release recorded there, by path."""
    kept = (
        item for item in ctx.ledger.evidence(app, release) if (item.kind, item.environment) == (SCRIPTS, environment)
    )
    return {path: text for item in kept for path, text in json.loads(item.detail).items()}


def as_folder(scripts: dict[str, str]) -> dict[str, bytes] | None:
    """Down files as a folder for the plain SQL tool, each with an empty up file. None if one of them has another
    layout."""
    files: dict[str, bytes] = {}
    for path, text in scripts.items():
        up = next((pattern.sub(name, path) for pattern, name in _UP if pattern.fullmatch(path)), None)
        if up is None:
            return None
        files |= {path: text.encode(), up: _UNKNOWN}
    return files


def write_out(ctx: Context, app: str, environment: str, release: int, scripts: dict[str, str]) -> Path:
    """Write them to a folder of SHIPWAY_HOME, to be run manually."""
    folder = ctx.home / "scripts" / app / environment / str(release)
    for path, text in scripts.items():
        file = folder / re.sub(r"[^A-Za-z0-9._/-]+", "_", path).lstrip("/").replace("..", "_")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
