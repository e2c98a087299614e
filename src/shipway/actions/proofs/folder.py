"""Prove a folder of migrations one by one on the user's server, without a plan or an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shipway.domain.errors import NotProven, ProofError
from shipway.domain.proof import COLUMN_ORDER, DATA_LOST, FAILS, IRREVERSIBLE, NOT_RESTORED, RESTORED, MigrationReport
from shipway.ports import OnLine, Scratch
from shipway.proving.sequence import OnWay, SequenceReport, ToolAt, ends, verify_sequence
from shipway.proving.verify import Fill

VERDICTS = (RESTORED, COLUMN_ORDER, DATA_LOST, NOT_RESTORED, IRREVERSIBLE, FAILS)


def prove_folder(
    scratch: Scratch, tool_at: ToolAt, revisions: Sequence[str], on_way: OnWay, on_line: OnLine,
    *, timeout: float, first: str | None = None, only: str | None = None, fill: Fill | None = None,
    remarks: Mapping[str, Sequence[str]] | None = None,
) -> SequenceReport:  # fmt: skip
    """Prove all, or those from `first` on, or `only` one. `remarks` by revision (a linter's) are added to the warnings.
    ProofError if it can't be run."""

    def remark(way: MigrationReport) -> MigrationReport:
        return replace(way, warnings=(*way.warnings, *(remarks or {}).get(way.migrations[0], ())))

    try:
        scratch.sweep()
    except ProofError as error:
        raise ProofError(
            error.message, hint=error.hint or "does the server of --database answer, and take that user and password?"
        ) from error
    desired = only or first
    begin = _index(revisions, desired) if desired else 0
    done = verify_sequence(
        scratch, tool_at, revisions, lambda way: on_way(remark(way)), on_line,
        timeout=timeout, start=begin, stop=begin + 1 if only else None, fill=fill,
    )  # fmt: skip
    return replace(done, ways=tuple(map(remark, done.ways)))


def read_folder(folder: Path, layout: str | None) -> dict[str, bytes]:
    """The files of a folder for a layout's reader, by path below it; only Diesel's has subfolders."""
    if not folder.is_dir():
        raise ProofError(
            f"there is no folder {folder}", hint="--migrations names the folder that the migrations are in"
        )
    depths = ["*", "*/*"] if layout in (None, "diesel") else ["*"]
    paths = [
        path
        for depth in depths
        for path in sorted(folder.glob(depth))
        if path.suffix in (".sql", ".toml", ".conf", ".go")
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def counts(ways: Sequence[MigrationReport]) -> dict[str, int]:
    """Number of migrations by verdict, best first; unused verdicts are omitted."""
    found = Counter(way.verdict for way in ways)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def refusal(done: SequenceReport) -> NotProven | None:
    """The command's final error; None if every migration can be rolled back."""
    bad = [way for way in done.ways if way.verdict not in (RESTORED, COLUMN_ORDER)]
    if not bad:
        return None
    last = done.ways[-1]
    if ends(last):
        left = done.asked - len(done.ways)
        tail = f": the {left} after it were not walked" if left else ""
        return NotProven(
            f"the way up of {last.migrations[0]} fails{tail}; {len(bad)} of {len(done.ways)} walked don't lead back",
            hint="correct it and begin there: --from " + last.migrations[0],
        )
    return NotProven(f"{len(bad)} of {len(done.ways)} migrations don't lead back", hint="correct their down scripts")


def _index(revisions: Sequence[str], desired: str) -> int:
    """Index of a version, given with or without leading zeros."""
    for index, revision in enumerate(revisions):
        if desired == revision or (desired.isdigit() and revision.isdigit() and int(desired) == int(revision)):
            return index
    raise ProofError(f"the folder has no migration {desired}", hint=f"it has {revisions[0]} to {revisions[-1]}")
