"""Reports of a step: files, folders and patterns add up; what can't be read is named and counts as nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.plan import Step
from shipway.domain.single_test import PASSED, SingleTest
from shipway.steps import reports
from shipway.system.redact import Redactor
from shipway.testing.memory_files import below, pack

SUITE = b'<testsuite tests="2" failures="1" skipped="1"/>'
FILES = {
    "/src/junit.xml": b'<testsuite tests="3.0"/>',
    "/src/build/a/TEST-a.xml": SUITE,
    "/src/build/b/deep/TEST-b.xml": SUITE,
    "/src/build/b/other.xml": b"<html/>",
    "/src/build/readme.txt": b"hello",
    "/src/secret.xml": b'<testsuite tests="1"><testcase name="hunter2-Kx9vQz41"/></testsuite>',
}


class Runtime:
    """Files of one container."""

    def get(self, container: str, path: str) -> Iterator[bytes]:
        if path == "/src/latest.xml":
            link = tarfile.TarInfo("latest.xml")
            link.type, link.linkname = tarfile.SYMTYPE, "build/a/TEST-a.xml"
            whole = io.BytesIO()
            with tarfile.open(fileobj=whole, mode="w") as tar:
                tar.addfile(link)
            return iter([whole.getvalue()])
        found = below(FILES, path)
        if not found:
            raise FileNotFoundError(path)
        return pack(found)


class Ledger:
    """Of single tests."""

    def __init__(self) -> None:
        self.added: list[tuple[int, str, int, list[SingleTest]]] = []

    def failed_tests(self, app: str, tree: str, step: str) -> list[tuple[str, str, str]]:
        return []

    def add_tests(self, run: int, step: str, attempt: int, tests: list[SingleTest]) -> None:
        self.added.append((run, step, attempt, tests))


class Full(Ledger):
    def add_tests(self, run: int, step: str, attempt: int, tests: list[SingleTest]) -> None:
        raise self.error

    error: Exception = StoreError("the disk of the ledger is almost full")


def collect(folder: Path, *paths: str) -> str:
    return reports.collect(running(folder, Ledger()), Step("unit", "x", reports=paths), 0, "c", "/src")


def running(folder: Path, ledger: Any, notes: list[str] | None = None) -> Any:
    reporter = SimpleNamespace(note=(notes if notes is not None else []).append)
    ctx = SimpleNamespace(
        runtime=Runtime(), redactor=Redactor({"KEY": "hunter2-Kx9vQz41"}), ledger=ledger, reporter=reporter
    )
    return SimpleNamespace(
        ctx=ctx, log=lambda name: folder / f"{name}.log", number=7, plan=SimpleNamespace(app="shop"), commit=SimpleNamespace(tree="t")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "summary"),
    [
        ((), ""),
        (("junit.xml",), "3 tests, 0 failed"),
        (("build/a/TEST-a.xml", "junit.xml"), "5 tests, 1 failed, 1 skipped"),
        (("build/**/TEST-*.xml",), "4 tests, 2 failed, 2 skipped"),
        (("build/*/TEST-*.xml",), "2 tests, 1 failed, 1 skipped"),
        (
            ("build",),
            "4 tests, 2 failed, 2 skipped; build/b/other.xml is not a JUnit report: it begins with <html>, not with <testsuite>",
        ),
        (("build/a",), "2 tests, 1 failed, 1 skipped"),
        (("latest.xml",), "2 tests, 1 failed, 1 skipped"),
        (("missing.xml",), "no report at missing.xml"),
        (("junit.xml", "missing/**/*.xml"), "3 tests, 0 failed; no report at missing/**/*.xml"),
    ],
)
def test_what_the_reports_come_to(tmp_path: Path, paths: tuple[str, ...], summary: str) -> None:
    assert collect(tmp_path, *paths) == summary


def test_each_report_is_kept_beside_the_log_without_secrets(tmp_path: Path) -> None:
    collect(tmp_path, "build/**/TEST-*.xml", "secret.xml")
    kept = sorted(tmp_path.iterdir())
    assert [path.name for path in kept] == ["unit.0.xml", "unit.1.xml", "unit.2.xml"]
    assert kept[0].read_bytes() == SUITE
    assert "«KEY»" in kept[2].read_text()


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "LARGEST", 60)
    assert (
        collect(tmp_path, "secret.xml", "junit.xml")
        == "3 tests, 0 failed; secret.xml is larger than 0 MB and is ignored"
    )
    monkeypatch.setattr(reports, "MOST", 1)
    assert "more than 1 reports: build/b/deep/TEST-b.xml is ignored" in collect(tmp_path, "build/**/TEST-*.xml")
    monkeypatch.setattr(reports, "SEARCHED", 1000)
    assert "GB: name a smaller folder" in collect(tmp_path, "build")


def test_single_tests_go_to_the_ledger_without_secrets(tmp_path: Path) -> None:
    ledger = Ledger()
    reports.collect(running(tmp_path, ledger), Step("unit", "x", reports=("secret.xml",)), 2, "c", "/src")
    assert ledger.added == [(7, "unit", 2, [SingleTest("«KEY»", "", "", PASSED, 0.0)])]


def test_a_ledger_that_fails_loses_tests_and_no_step(tmp_path: Path) -> None:
    notes: list[str] = []
    step = Step("unit", "x", reports=("junit.xml",))
    assert reports.collect(running(tmp_path, Full(), notes), step, 0, "c", "/src") == "3 tests, 0 failed"
    assert notes == ["single tests of step unit are not in the ledger: the disk of the ledger is almost full"]


def test_who_has_lost_the_lock_adds_nothing(tmp_path: Path) -> None:
    ledger = Full()
    ledger.error = LeaseHeld("the lock was lost")
    with pytest.raises(LeaseHeld):
        reports.collect(running(tmp_path, ledger), Step("unit", "x", reports=("junit.xml",)), 0, "c", "/src")
