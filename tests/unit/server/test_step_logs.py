"""The log of a step: pages of lines, search, the whole as a file, and what follows."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest

from shipway.actions.people.manage import remove_person
from shipway.actions.people.tokens import create_token
from shipway.domain.permissions import ADMIN
from shipway.domain.release import SUCCEEDED, Trigger
from shipway.domain.run import Artifact, StepResult
from shipway.server import step_logs
from shipway.server.step_logs import ON_A_PAGE, StepLogFile, StepLogs
from tests.unit.server.asking import ask
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]


class Run:
    """A run with the step `unit`."""

    def __init__(self, place: Place) -> None:
        place.deployed(1)
        place.observer.look("shop")
        self.place, self.ledger = place, place.ctx.ledger
        self.number = self.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 1.0)
        self.ledger.begin_step(self.number, "unit", "key", 1.0)
        self.path = f"/apps/shop/runs/{self.number}/steps/unit"
        self.file = place.ctx.home / "logs" / "shop" / str(self.number) / "unit.log"
        self.file.parent.mkdir(parents=True)

    def end(self) -> None:
        self.ledger.end_step(self.number, "unit", SUCCEEDED, 2.0, StepResult())

    def page(self, query: str = "") -> str:
        found = self.place.page(self.path + query)
        assert found.status == 200
        return found.text


@pytest.fixture
def run(place: Place) -> Run:
    return Run(place)


def test_its_lines_with_numbers(run: Run) -> None:
    run.file.write_text(f"one\n{EVIL}\nnot whole")
    found = run.page()
    assert 'id="e1"' in found
    assert 'aria-label="Line 2">2</a>&lt;script&gt;' in found
    assert "not whole" not in found  # it may be half a character
    assert f'data-live="{run.path}/lines?after=2"' in found
    run.end()
    assert "data-live" not in run.page()


def test_a_long_log_comes_in_pages(run: Run) -> None:
    run.file.write_text("".join(f"line {number}.\n" for number in range(1, 3 * ON_A_PAGE + 1)))
    run.end()
    last = run.page()
    assert f"line {3 * ON_A_PAGE}." in last
    assert f"line {2 * ON_A_PAGE + 1}." in last
    assert f"line {2 * ON_A_PAGE}." not in last
    assert f"?from={ON_A_PAGE + 1}" in last
    first = run.page("?from=1")
    assert "line 1." in first
    assert f"line {ON_A_PAGE}." in first
    assert f"line {ON_A_PAGE + 1}." not in first
    assert f"?from={ON_A_PAGE + 1}" in first
    assert "It has printed nothing" in run.page("?from=999999999")


def test_a_search_leads_to_the_line(run: Run) -> None:
    run.file.write_text("".join(f"line {number}\n" for number in range(1, 200)) + "An ERROR\n")
    found = run.page("?search=error")
    assert "1 line with" in found
    assert f"{run.path}?from=180#e200" in found
    assert "line 199" not in found
    assert "0 lines with" in run.page("?search=nosuch")
    assert EVIL not in run.page("?search=%3Cscript%3Ealert(1)%3C/script%3E")


def test_a_line_without_end_is_cut_on_the_page_and_whole_in_the_file(run: Run) -> None:
    run.file.write_text("x" * 100_000 + "\n")
    assert "96000 more characters in the file" in run.page()
    found = run.place.page(f"{run.path}/log")
    assert len(found.text) == 100_001
    assert found.headers["content-disposition"].startswith("attachment")
    assert found.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("query", ["", "?from=1", "?search=x"])
def test_a_page_of_very_long_lines_takes_little_memory(run: Run, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step decides how long its lines are, and how many; a page has neither all of them nor a copy."""
    monkeypatch.setattr(step_logs, "WHOLE", 100_000)
    with run.file.open("w") as file:
        for _ in range(400):
            file.write("x" * 100_000 + "\n")
    run.end()
    tracemalloc.start()
    found = run.page(query)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert len(found) < 300_000
    assert "more in the file" in found


def test_one_that_is_kept_elsewhere_says_so(run: Run) -> None:
    run.end()
    assert "not on this machine" in run.page()
    assert run.place.page(f"{run.path}/log").status == 404


def test_its_outputs_can_be_had(run: Run) -> None:
    kept = Artifact("", "dist", "sha256:" + "a" * 64)
    run.ledger.end_step(run.number, "unit", SUCCEEDED, 2.0, StepResult((kept,)))
    folder = run.place.ctx.home / "artifacts"
    folder.mkdir()
    assert ">dist</a>" in run.page()
    own = f"{run.path}/outputs/{'a' * 64}"
    assert run.place.page(own).status == 404  # it is not here
    (folder / f"{'a' * 64}.tar").write_text("tar")
    (folder / f"{'b' * 64}.tar").write_text("of another run")
    found = run.place.page(own)
    assert (found.status, found.text) == (200, "tar")
    assert found.headers["content-disposition"].endswith("dist.tar")
    for other in ("b" * 64, "", "..", "sha256:" + "a" * 64):
        assert run.place.page(f"{run.path}/outputs/{other}").status == 404


@pytest.mark.parametrize("step", ["nosuch", "..%2f..%2funit", ".."])
def test_no_other_file_is_read(run: Run, step: str) -> None:
    run.file.write_text("one\n")
    assert run.place.page(f"/apps/shop/runs/{run.number}/steps/{step}").status == 404
    assert run.place.page(f"/apps/shop/runs/{run.number}/steps/{step}/log").status == 404
    assert run.place.page(f"/apps/other/runs/{run.number}/steps/unit/log").status == 404
    assert run.place.page("/apps/shop/runs/99/steps/unit/log").status == 404


def test_who_may_not_read_logs(run: Run) -> None:
    run.file.write_text("canary\n")
    run.end()
    run.place.person("a@example.org", ADMIN)
    tokens = [
        create_token(run.place.ctx, None, "a@example.org", "x", may, 1).secret for may in (["see"], ["see", "logs"])
    ]
    for path in (run.path, f"{run.path}/log", f"{run.path}/lines"):
        found = [ask(run.place.app, path, authorization=f"Bearer {token}") for token in tokens]
        assert [item.status for item in found] == [403, 200], path
        assert "canary" not in found[0].text
        assert "canary" in found[1].text


def test_what_follows_comes_once_and_ends_with_the_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_logs, "POLL", 0.001)
    run.file.write_text("one\ntwo\nha")
    logs = StepLogs.__new__(StepLogs)
    logs._ctx = run.place.ctx

    async def read() -> list[str]:
        step = next(item for item in run.ledger.steps(run.number) if item.name == "unit")
        found: list[str] = []
        async for text in logs._follow(None, StepLogFile(step, run.file, run.number), 1):  # type: ignore[arg-type]
            found.append(text)
            if len(found) == 1:
                with run.file.open("a") as file:
                    file.write("lf\nlast\n")
                run.end()
        return found

    found = "".join(asyncio.run(read()))
    assert [text for text in ("one", "two", "half", "last") if f'"text": "{text}"' in found] == ["two", "half", "last"]
    assert found.count('"text"') == 3
    assert found.endswith("event: ended\ndata: 1\n\n")


def test_who_loses_the_role_reads_no_further(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_logs, "POLL", 0.001)
    monkeypatch.setattr(step_logs, "LOOK", 0.0)
    reader = run.place.person("gone@example.org", ADMIN)
    added, looks = step_logs._added, 0

    def adds(path: Path, at: int) -> tuple[list[str], int]:
        nonlocal looks
        looks += 1
        assert looks < 100, "it reads on"
        if looks == 3:
            remove_person(run.place.ctx, None, "gone@example.org")
        if looks == 10:
            run.file.write_text("one\nsecret\n")
        return added(path, at)

    monkeypatch.setattr(step_logs, "_added", adds)
    run.file.write_text("one\n")
    found = run.place.page(f"{run.path}/lines", reader).text
    assert '"one"' in found
    assert "secret" not in found


def test_who_loses_the_role_reads_no_further_while_there_is_more_all_the_time(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that prints on and on, or a slow reader who never gets to the end of a long log."""
    monkeypatch.setattr(step_logs, "LOOK", 0.0)
    reader, looks = run.place.person("gone@example.org", ADMIN), 0

    def adds(path: Path, at: int) -> tuple[list[str], int]:
        nonlocal looks
        looks += 1
        assert looks < 100, "it reads on"
        if looks == 3:
            remove_person(run.place.ctx, None, "gone@example.org")
        return ["one" if looks <= 3 else "secret"], at + 1

    monkeypatch.setattr(step_logs, "_added", adds)
    run.file.write_text("one\n")
    found = run.place.page(f"{run.path}/lines", reader).text
    assert '"one"' in found
    assert "secret" not in found


def test_a_part_of_what_was_added_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_logs, "AT_ONCE", 4)
    path = tmp_path / "log"
    path.write_text("a long line\nb\nc\n")
    texts, at = step_logs._added(path, 0)
    assert texts == ["a long line"]
    rest, at = step_logs._added(path, at)
    assert rest == ["b", "c"]
    assert step_logs._added(path, at) == ([], at)
