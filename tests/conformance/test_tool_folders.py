"""Folders of real Alembic and Django projects, tested one by one on a real PostgreSQL, MariaDB and SQLite. Their Python is in a container, which
has the folder at the same path: a command on the PATH leads to it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.proofs.folder import MigrationFolder, Options, prove_folder
from shipway.actions.proofs.folder_selection import Listed, Selection
from shipway.domain.errors import ProofError
from shipway.domain.proof import FAILS, HALF_APPLIED, IRREVERSIBLE, RESTORED, MigrationReport
from shipway.drivers.database.alembic_here import alembic_here, alembic_revisions
from shipway.drivers.database.django_here import django_here, django_revisions
from shipway.drivers.scratch.mysql import MySqlScratch
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.sqlite import SqliteScratch
from shipway.ports import Scratch
from tests.conformance import database_lab as lab
from tests.conformance import scratch_lab
from tests.conformance.alembic_projects import Script, write_alembic
from tests.conformance.tool_projects import write_django, write_shop
from tests.matrix import FULL

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]

LATE = 120.0
GIVEN = ("DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "SHIPWAY_ASK")
PYTHON = '#!/bin/sh\necho start >> {log}\nexec docker exec --interactive {env} --workdir "$PWD" {name} python "$@"\n'
ALEMBIC = "#!{bin}/python\nimport sys\nfrom alembic.config import main\nsys.exit(main(prog='alembic'))\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with scratch_lab.postgres() as (_, url):
        yield url


@pytest.fixture
def scratch(url: str) -> PostgresScratch:
    return PostgresScratch(url)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the projects, and of `bin` with the commands."""
    folder = tmp_path_factory.mktemp("folders")
    write_alembic(folder / "alembic")
    write_django(folder / "django")
    write_shop(folder / "django/shop")
    binaries = folder / "bin"
    binaries.mkdir()
    with lab.container(
        "host", "--volume", f"{folder}:{folder}", lab.build_image("python", folder), "sleep", "infinity"
    ) as name:
        env = " ".join(f"--env {variable}" for variable in GIVEN)
        (binaries / "python").write_text(PYTHON.format(log=folder / "starts", env=env, name=name))
        (binaries / "alembic").write_text(ALEMBIC.format(bin=binaries))
        for command in binaries.iterdir():
            command.chmod(0o755)
        yield folder


@pytest.fixture(autouse=True)
def path(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tools / 'bin'}:{os.environ['PATH']}")
    (tools / "starts").write_text("")


def listed(revisions: Sequence[str]) -> list[Listed]:
    return [Listed(revision) for revision in revisions]


def prove_alembic(scratch: Scratch, folder: Path, rows: bool = False) -> dict[str, MigrationReport]:
    revisions = alembic_revisions(folder, scratch, LATE)
    found = MigrationFolder(scratch, lambda database, at: alembic_here(folder, database, LATE), listed(revisions))
    done = prove_folder(found, Selection(), Options(LATE, rows), lambda report: None)
    return {report.migrations[0]: report for report in done.reports}


def prove_django(scratch: Scratch, folder: Path, first: str | None = None) -> dict[str, MigrationReport]:
    revisions = django_revisions(folder, scratch, LATE)
    found = MigrationFolder(scratch, lambda database, at: django_here(folder, database, LATE), listed(revisions))
    done = prove_folder(found, Selection(first), Options(LATE), lambda report: None)
    return {report.migrations[0]: report for report in done.reports}


def verdicts(reports: dict[str, MigrationReport]) -> dict[str, str]:
    return {name: report.verdict for name, report in reports.items()}


def test_alembic_in_two_processes(tools: Path, scratch: PostgresScratch) -> None:
    """The check of the address, and all else."""
    assert verdicts(prove_alembic(scratch, tools / "alembic/good")) == dict.fromkeys(("aaa1", "bbb2", "ccc3"), RESTORED)
    assert (tools / "starts").read_text().split() == ["start", "start"]


def test_alembic_with_a_version_table_of_another_name(tools: Path, scratch: PostgresScratch) -> None:
    reports = prove_alembic(scratch, tools / "alembic/named")
    assert set(verdicts(reports).values()) == {RESTORED}
    assert not [str(change) for report in reports.values() for change in report.changes if "applied" in str(change)]


def test_alembic_with_failures(tools: Path, scratch: PostgresScratch) -> None:
    assert verdicts(prove_alembic(scratch, tools / "alembic/broken"))["ccc3"] == FAILS
    assert verdicts(prove_alembic(scratch, tools / "alembic/irreversible"))["bbb2"] == IRREVERSIBLE
    with pytest.raises(ProofError, match="2 heads"):
        prove_alembic(scratch, tools / "alembic/forked")


def test_alembic_with_branches(tools: Path, scratch: PostgresScratch) -> None:
    """Each migration is tested alone, inside of a branch and where two are merged."""
    reports = prove_alembic(scratch, tools / "alembic/merged")
    assert set(verdicts(reports).values()) == {RESTORED}
    changes = {
        name: {str(change.name) for change in report.changes if change.kind == "table"}
        for name, report in reports.items()
    }
    expected = {"aaa1": "one", "bbb2": "two", "ddd4": "side", "eee5": "side2", "fff6": "merge"}
    assert changes == {name: {f"public.{table}"} for name, table in expected.items()}
    names = list(reports)
    assert names.index("eee5") > names.index("ddd4")
    assert (names[0], names[-1]) == ("aaa1", "fff6")


def test_alembic_with_a_branch_that_does_not_revert(tools: Path, scratch: PostgresScratch, tmp_path: Path) -> None:
    """The others aren't blamed for it."""
    script = tools / "alembic/merged/migrations/versions/ddd4_side.py"
    text = script.read_text()
    script.write_text(Script("ddd4", ("aaa1",), "side", irreversible=True).text())
    try:
        found = verdicts(prove_alembic(scratch, tools / "alembic/merged"))
    finally:
        script.write_text(text)
    assert found == {**dict.fromkeys(found, RESTORED), "ddd4": IRREVERSIBLE}


@pytest.mark.full
def test_django(tools: Path, scratch: PostgresScratch) -> None:
    """The migrations of Django itself are one row, before those of the shop."""
    expected = [
        "sites.0002_alter_domain_unique",
        "shop.0001_initial",
        "shop.0002_stock",
        "shop.0003_note",
        "shop.0004_mark",
    ]
    expected = expected if FULL else expected[2:]
    reports = prove_django(scratch, tools / "django/shop", expected[0])
    assert list(reports) == expected
    schema = {str(item) for report in reports.values() for item in report.differences}
    assert not schema
    assert reports["shop.0002_stock"].verdict == RESTORED


@pytest.mark.full
def test_django_with_failures(tools: Path, scratch: PostgresScratch) -> None:
    assert verdicts(prove_django(scratch, tools / "django/broken")) == {
        "shop.0001_one": RESTORED,
        "shop.0002_two": RESTORED,
        "shop.0003_three": FAILS,
    }
    assert verdicts(prove_django(scratch, tools / "django/irreversible"))["shop.0002_two"] == IRREVERSIBLE
    merged = verdicts(prove_django(scratch, tools / "django/apps_merged"))
    assert set(merged) == {"shop.0001_one", "shop.0002_two", "shop.0002_other", "shop.0003_merge", "stock.0001_stock"}


@pytest.fixture(scope="module")
def mysql() -> Iterator[MySqlScratch]:
    with scratch_lab.mariadb() as url:
        yield MySqlScratch(url)


@pytest.fixture
def sqlite(tools: Path) -> SqliteScratch:
    return SqliteScratch(tools / "sqlite")


@pytest.fixture(params=["mysql", "sqlite"])
def elsewhere(request: pytest.FixtureRequest) -> Scratch:
    """Not on PostgreSQL."""
    found: Scratch = request.getfixturevalue(request.param)
    return found


def test_alembic_elsewhere(tools: Path, elsewhere: Scratch) -> None:
    """These databases, or alembic on them, don't undo what a failed migration has done."""
    assert verdicts(prove_alembic(elsewhere, tools / "alembic/broken")) == {
        "aaa1": RESTORED,
        "bbb2": RESTORED,
        "ccc3": HALF_APPLIED,
    }
    assert verdicts(prove_alembic(elsewhere, tools / "alembic/irreversible"))["bbb2"] == IRREVERSIBLE
    assert set(verdicts(prove_alembic(elsewhere, tools / "alembic/named")).values()) == {RESTORED}


def test_alembic_that_copies_tables_on_sqlite(tools: Path, sqlite: SqliteScratch) -> None:
    """Its batch mode: what it makes of a table is compared as it was before."""
    reports = prove_alembic(sqlite, tools / "alembic/batch")
    assert verdicts(reports) == dict.fromkeys(("aaa1", "bbb2"), RESTORED), [item.reasons for item in reports.values()]


@pytest.mark.full
def test_django_elsewhere(tools: Path, elsewhere: Scratch) -> None:
    reports = prove_django(elsewhere, tools / "django/shop")
    assert set(verdicts(reports).values()) == {RESTORED}, [item.reasons for item in reports.values()]
    failed = verdicts(prove_django(elsewhere, tools / "django/broken"))["shop.0003_three"]
    assert failed == (FAILS if isinstance(elsewhere, SqliteScratch) else HALF_APPLIED)
    assert verdicts(prove_django(elsewhere, tools / "django/irreversible"))["shop.0002_two"] == IRREVERSIBLE


@pytest.mark.parametrize(
    ("find", "file"),
    [(alembic_revisions, "alembic/older/migrations/env.py"), (django_revisions, "django/older/settings.py")],
)
def test_a_project_that_uses_another_file(find: Any, file: str, tools: Path, sqlite: SqliteScratch) -> None:
    settings = tools / file
    text = settings.read_text()
    settings.write_text(text.replace("DATABASE_URL", "OTHER_URL").replace('os.environ["OTHER_URL"]', '"sqlite://"'))
    try:
        with pytest.raises(ProofError, match="nothing was run"):
            find(tools / "/".join(file.split("/")[:2]), sqlite, LATE)
    finally:
        settings.write_text(text)
    assert not list((tools / "sqlite").glob("*.db"))


def test_a_django_project_that_uses_another_database(tools: Path, scratch: PostgresScratch, url: str) -> None:
    settings = tools / "django/older/settings.py"
    text = settings.read_text()
    settings.write_text(text.replace('given("DATABASE", given("PGDATABASE"))', '"postgres"'))
    try:
        with pytest.raises(ProofError, match="ignores DATABASE_URL and uses another database; nothing was run"):
            django_revisions(tools / "django/older", scratch, LATE)
    finally:
        settings.write_text(text)
    assert (
        not scratch_lab.psycopg.connect(url).execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()
    )


def test_folders_that_are_no_project(tmp_path: Path, scratch: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    for find, name in ((alembic_revisions, r"alembic\.ini"), (django_revisions, r"manage\.py")):
        with pytest.raises(ProofError, match=f"there is no {name}"):
            find(tmp_path, scratch, LATE)
    (tmp_path / "manage.py").write_text("import django")
    (tmp_path / "python").write_text("#!/bin/sh\nexec python3 -S -c 'import django'\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    with pytest.raises(ProofError, match="no command python with Django") as failure:
        django_revisions(tmp_path, scratch, LATE)
    assert "virtual environment" in failure.value.hint
