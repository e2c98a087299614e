"""The reports of a folder's test, and those of a release that were added with them: compared with files in `expected`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shipway.domain.proof import MigrationReport
from shipway.proving.report.badge import badge, folder_badge
from shipway.proving.report.folder_json import folder_json
from shipway.proving.report.folder_junit import folder_junit
from shipway.proving.report.folder_markdown import folder_markdown
from shipway.proving.report.folder_page import folder_page
from shipway.proving.report.folder_results import FolderResults
from shipway.proving.report.markdown import MOST, escaped, markdown
from shipway.proving.report.messages import other_reasons
from tests.unit.proving.report import folders, proofs
from tests.unit.proving.report.html import read

EXPECTED = Path(__file__).parent / "expected"
FOLDERS: dict[str, Callable[[FolderResults], str]] = {"md": folder_markdown, "xml": folder_junit, "svg": folder_badge}


@pytest.mark.parametrize("name", folders.SAMPLES)
@pytest.mark.parametrize("format", FOLDERS)
def test_a_folders_report(name: str, format: str) -> None:
    assert FOLDERS[format](folders.SAMPLES[name]) == (EXPECTED / f"folder-{name}.{format}").read_text()


@pytest.mark.parametrize("name", proofs.SAMPLES)
def test_a_proofs_report(name: str) -> None:
    assert markdown(proofs.SAMPLES[name]) == (EXPECTED / f"proof-{name}.md").read_text()
    assert badge(proofs.SAMPLES[name]) == (EXPECTED / f"proof-{name}.svg").read_text()


def test_no_expected_file_is_left_over() -> None:
    names = {f"folder-{name}.{format}" for name in folders.SAMPLES for format in FOLDERS}
    names |= {f"proof-{name}.{format}" for name in proofs.SAMPLES for format in ("md", "svg")}
    assert {path.name for path in EXPECTED.iterdir()} == names


@pytest.mark.parametrize(
    "make", [lambda: folder_markdown(folders.huge()), lambda: markdown(proofs.huge())], ids=["folder", "proof"]
)
def test_a_comment_is_never_too_long(make: Callable[[], str]) -> None:
    text = make()
    assert len(text) <= MOST
    assert "more: see the other reports" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.startswith("**")


@pytest.mark.parametrize("sign", ["`", "*", "|", "<b>", "[a](b)", "~", "&amp;"])
def test_no_text_becomes_markup(sign: str) -> None:
    assert all(f"\\{letter}" in escaped(f"a {sign} b") for letter in sign if letter in "`*|<>[]~&")


def test_nobody_is_mentioned() -> None:
    assert escaped("ask @team about #12, !3") == "ask @<!-- -->team about #<!-- -->12, !<!-- -->3"
    assert escaped("a@b.example, _x_ and snake_case") == "a@b.example, \\_x\\_ and snake_case"
    assert escaped("one\ntwo\x1b[31m") == "one two�\\[31m"


@pytest.mark.parametrize(
    ("results", "headline"),
    [
        (folders.SAMPLES["good"], "all 2 migrations revert cleanly"),
        (folders.results(folders.GOOD), "the migration reverts cleanly"),
        (folders.results(folders.GOOD, folders.NONE), "1 of 2 migrations does not revert cleanly"),
        (folders.results(folders.NONE), "1 of 1 migration does not revert cleanly"),
        (folders.SAMPLES["bad"], "the up migration 0005 x fails: 5 of 7 migrations were tested, 3 do not revert cleanly"),
        (folders.SAMPLES["ended"], "the test was not completed: 2 of 4 migrations were tested, 1 does not revert cleanly"),
        (folders.results(folders.GOOD, requested=2, error="x"),
         "the test was not completed: 1 of 2 migrations were tested, all of these revert cleanly"),
        (folders.results(requested=2, error="x"), "the test was not completed: 0 of 2 migrations were tested"),
        (folders.SAMPLES["nothing"], "nothing was tested"),
    ],
)  # fmt: skip
def test_the_result_in_one_sentence(results: FolderResults, headline: str) -> None:
    assert results.headline() == headline


@pytest.mark.parametrize("name", folders.SAMPLES)
def test_junit_counts_its_cases(name: str) -> None:
    (suite,) = ElementTree.fromstring(folder_junit(folders.SAMPLES[name]))
    cases = suite.findall("testcase")
    assert suite.attrib["tests"] == str(len(cases))
    for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert suite.attrib[attribute] == str(sum(case.find(kind) is not None for case in cases))


def test_json_has_everything() -> None:
    found = json.loads(folder_json(folders.SAMPLES["bad"]))
    assert (found["asked"], found["walked"], found["layout"], found["server"]) == (
        7,
        5,
        "golang-migrate",
        "PostgreSQL 15.4",
    )
    assert found["verdicts"] == {
        "RESTORED": 1, "COLUMN_ORDER": 1, "NOT_RESTORED": 1, "IRREVERSIBLE": 1, "FAILS": 1, "SKIPPED": 1,
    }  # fmt: skip
    assert found["compatibility"] == {"compatible": 2, "review": 1, "breaking": 1}
    assert found["ways"][3]["triage_reasons"] == ["a unique index on existing rows: `items_name`"]
    assert found["names"]["0003"] == "0003 index"
    assert json.loads(folder_json(folders.SAMPLES["ended"]))["error"] == "connection refused"


PAGES = {**folders.SAMPLES, "huge": folders.huge(300)}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_loads_nothing_and_names_everything(name: str) -> None:
    results = PAGES[name]
    text = folder_page(results)
    root = read(text)
    names = [node.attributes["id"] for node in root.walk() if "id" in node.attributes]
    assert len(names) == len(set(names))
    for node in root.walk():
        assert not [key for key in node.attributes if key.startswith("on") or key in ("src", "style")]
        if node.name == "a":
            assert (node.attributes["href"] or "")[1:] in names
    shown = root.text
    for report in results.reports:
        assert results.label(report) in shown
        assert [part for part in _texts(report) if part not in shown] == []
    assert results.headline() in shown
    assert results.error in shown


def _texts(report: MigrationReport) -> list[str]:
    warnings = (text for text in report.warnings if "was not tested" not in text)
    return [*other_reasons(report), *map(str, report.differences), *warnings, *report.triage_reasons]


def test_the_page_escapes_everything() -> None:
    hostile = dataclasses.replace(
        folders.BAD, migrations=("<script>",), reasons=("<img src=x>",), triage_reasons=("<b>",), warnings=("<i>",)
    )
    results = dataclasses.replace(folders.results(hostile), folder="<u>", names={}, error="<s>")
    assert not {node.name for node in read(folder_page(results)).walk()} & {"script", "img", "b", "i", "u", "s"}


def test_locks_are_shown_if_they_were_recorded() -> None:
    for text in (folder_page(folders.SAMPLES["locks"]), folder_markdown(folders.SAMPLES["locks"])):
        assert "ACCESS EXCLUSIVE on public.items for 1.5 s in up: reads and writes wait" in text
        assert "rewrites public.items" in text
        assert "public.x" not in text
    assert 'id="locks"' not in folder_page(folders.SAMPLES["good"])
    quiet = dataclasses.replace(folders.SAMPLES["good"], watched=True)
    assert "No lock blocked reads or writes." in folder_page(quiet)
