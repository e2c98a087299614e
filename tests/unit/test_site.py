"""The documentation site builds without a warning, has every page, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.counterpart

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_has_every_page(site: Path) -> None:
    """`--strict` fails for a page without a place in the navigation, and for a link or anchor that leads nowhere."""
    for page in PAGES:
        built = site / page.relative_to(ROOT / "docs").with_suffix(".html")
        if page.name == "README.md":
            built = built.with_name("index.html")
        title = re.search(r"^# (.+)$", page.read_text(), re.M)
        assert title, page
        assert "<h1" in built.read_text(), page


def test_its_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|iframe|link)[^>]*?(?:src|href)=\"?((?:https?:)?//[^\" >]+)", page.read_text()
        )
        assert not loaded, page.name


def test_commands_that_are_not_run_are_marked_where_no_reader_sees_it(site: Path) -> None:
    text = re.sub(r"<!--.*?-->", "", (site / "install.html").read_text(), flags=re.S)
    assert "pipx install" in text
    assert "not run" not in text


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_lists_are_lists_for_every_reader(page: Path) -> None:
    """The site's Markdown nests by four spaces, and starts a list or a table only after an empty line."""
    before, fenced = "", False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fenced ^= line.startswith("```")
        item = re.match(r"( *)(?:[-*]|\d+\.) ", line)
        if not fenced and item:
            assert len(item[1]) % 4 == 0, f"{page.name}:{number}: nest by four spaces"
            assert not before.strip() or re.match(r" *(?:[-*]|\d+\.) | ", before), f"{page.name}:{number}: a line above"
        if not fenced and line.startswith("|"):
            assert not before.strip() or before.startswith("|"), f"{page.name}:{number}: an empty line above the table"
        before = line
