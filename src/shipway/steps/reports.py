"""Test results of a step: JUnit XML files, in folders and by patterns; stored beside its log, summarized in a line, and its
single tests in the ledger."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shipway.domain.count import counted
from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.plan import Step
from shipway.steps.junit import Counts, Unreadable, counts
from shipway.steps.run import Run
from shipway.steps.tests import Kept
from shipway.system.patterns import fixed, is_pattern, matches
from shipway.system.tars import CHUNK, TooLarge, reading_stream

LARGEST = 64 << 20  # bytes of one report
MOST = 2000  # reports of one step
SEARCHED = 2 << 30  # bytes of a folder searched for reports


@dataclass
class _Found:
    """The combined reports of a step."""

    tests: Kept
    counts: Counts = field(default_factory=Counts)
    files: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        words = (
            [f"{counted(self.counts.tests, 'test')}, {self.counts.failed} failed"]
            if self.files or not self.problems
            else []
        )
        words += [f"{self.counts.skipped} skipped"] if self.counts.skipped else []
        shown = [*self.problems[:3], *([f"and {len(self.problems) - 3} more"] if len(self.problems) > 3 else [])]
        return "; ".join(filter(None, [", ".join(words), *shown]))


def collect(run: Run, step: Step, attempt: int, container: str, workdir: str) -> str:
    """Fetch the reports of an attempt of the step and return a summary such as '12 tests, 1 failed'; empty if it has none.

    Unreadable reports are listed in the summary, and never count as passed tests. A ledger that fails loses single tests, and
    no step.
    """
    if not step.reports:
        return ""
    ledger, before = run.ctx.ledger, list[tuple[str, str, str]]()
    with _only_reported(run, step):
        before = ledger.failed_tests(run.plan.app, run.commit.tree, step.name)
    found = _Found(Kept(run.ctx.redactor, before))
    for path in step.reports:
        _take(run, step, container, workdir, path, found)
    with _only_reported(run, step):
        ledger.add_tests(run.number, step.name, attempt, found.tests.tests())
    return str(found)


@contextmanager
def _only_reported(run: Run, step: Step) -> Iterator[None]:
    try:
        yield
    except LeaseHeld:
        raise
    except StoreError as error:
        run.ctx.reporter.note(f"single tests of step {step.name} are not in the ledger: {error.message}")


def _take(run: Run, step: Step, container: str, workdir: str, path: str, found: _Found) -> None:
    root = fixed(path) if is_pattern(path) else path
    before = found.files + len(found.problems)
    try:
        for name, size, chunks in _files(run, container, posixpath.join(workdir, root)):
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(root.rstrip("/")), name))
            if (
                matches(inside, path)
                if is_pattern(path)
                else inside == posixpath.normpath(root) or inside.endswith(".xml")
            ):
                _keep(run, step, inside, size, chunks, found)
    except FileNotFoundError:
        pass
    except (TooLarge, tarfile.TarError):
        found.problems.append(f"{path} is larger than {SEARCHED >> 30} GB: name a smaller folder")
    if found.files + len(found.problems) == before:
        found.problems.append(f"no report at {path}")


def _keep(run: Run, step: Step, name: str, size: int, chunks: Iterator[bytes], found: _Found) -> None:
    if found.files >= MOST:
        found.problems.append(f"more than {MOST} reports: {name} is ignored")
        return
    if size > LARGEST:
        found.problems.append(f"{name} is larger than {LARGEST >> 20} MB and is ignored")
        return
    kept = run.log(step.name).with_suffix(f".{found.files}.xml")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("w+b") as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        found.files += 1
        try:
            found.counts += counts(iter(lambda: file.read(CHUNK), b""), found.tests.add)
        except Unreadable as error:
            found.problems.append(f"{name} is not a JUnit report: {error}")
    _mask(run, kept)


def _mask(run: Run, kept: Path) -> None:
    text = kept.read_bytes().decode(errors="replace")
    kept.write_text(run.ctx.redactor.text(text), encoding="utf-8")


def _files(run: Run, container: str, path: str) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Regular files at or below a path: name from the path's last part on, size, content. Follows a link."""
    for _ in range(5):
        link = ""
        with reading_stream(run.ctx.runtime.get(container, path), SEARCHED) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield member.name, member.size, iter(lambda content=content: content.read(CHUNK), b"")  # type: ignore[misc]
                elif member.issym() and "/" not in member.name.strip("/"):
                    link = posixpath.join(posixpath.dirname(path), member.linkname)
        if not link:
            return
        path = link
