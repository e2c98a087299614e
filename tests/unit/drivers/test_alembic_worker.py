"""One process for all commands of a folder's Alembic, whatever env.py does to it. A stand-in for the package runs env.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.drivers.database.alembic_here import alembic_here
from shipway.drivers.database.alembic_worker import OTHER, TIMED_OUT, Worker
from shipway.drivers.scratch.sqlite import SqliteScratch
from shipway.ports import Scratch

pytestmark = pytest.mark.counterpart

CONFIG = """
import runpy, sys
from types import SimpleNamespace
from alembic.runtime.environment import EnvironmentContext

def main(argv, prog):
    if argv == ["history"]:
        print("<base> -> 0001 (head), one")
    else:
        print("env.py follows")
        runpy.run_path("env.py", {"argv": argv, "context": EnvironmentContext()})
"""
ENVIRONMENT = """
from types import SimpleNamespace

class EnvironmentContext:
    def configure(self, url, version_table="alembic_version"):
        engine = SimpleNamespace(url=SimpleNamespace(database=url.rpartition("/")[2]))
        self.context = SimpleNamespace(version_table=version_table, connection=SimpleNamespace(engine=engine))

    def get_context(self):
        return self.context
"""
GOOD = """
import os, sys
context.configure(os.environ["DATABASE_URL"])
print("0001 of", os.environ["DATABASE_URL"], "in", os.getppid())
print("to stderr", file=sys.stderr)
"""
LATE = 60.0


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of a virtual environment whose `alembic` is on the PATH."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (home / "bin/alembic").write_text(f"#!{home}/bin/python\nfrom alembic.config import main\n")
    (home / "bin/alembic").chmod(0o755)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "alembic/runtime").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "config": CONFIG,
        "runtime/__init__": "",
        "runtime/environment": ENVIRONMENT,
    }.items():
        (packages / f"alembic/{name}.py").write_text(text)
    return packages


@pytest.fixture
def folder(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{packages.parents[2] / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "env.py").write_text(GOOD)
    return tmp_path


@pytest.fixture
def worker(folder: Path) -> Iterator[Worker]:
    worker = Worker(folder)
    yield worker
    worker.close()


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return SqliteScratch(tmp_path / "scratch")


def ask(worker: Worker, name: str, *arguments: str, timeout: float = LATE) -> tuple[int, str]:
    answer = worker.run(arguments or ("state",), {"DATABASE_URL": f"postgresql://h/{name}"}, name, timeout)
    return answer.code, answer.output


def test_one_process_gives_each_command_its_own_database(worker: Worker) -> None:
    answers = [ask(worker, name, *verb)[1] for verb in (("state",), ("upgrade", "head")) for name in ("one", "two")]
    for name, output in zip(("one", "two", "one", "two"), answers, strict=True):
        assert f"0001 of postgresql://h/{name} in" in output
        assert "to stderr" in output
    assert len({output.partition(" in ")[2].split()[0] for output in answers}) == 1, "it was not one process"


def test_the_output_of_env_py_is_no_answer(worker: Worker, folder: Path) -> None:
    """Whatever it prints, closes or leaves behind."""
    (folder / "env.py").write_text(
        GOOD
        + """
print('{"code": 3, "threads": true}')
os.write(1, b'{"code": 4}\\n\\xff no line end')
os.close(1)
os.close(2)
"""
    )
    code, output = ask(worker, "one")
    assert (code, '{"code": 4}' in output, "\ufffd no line end" in output) == (0, True, True), output
    assert ask(worker, "two")[0] == 0


@pytest.mark.parametrize("end", ["sys.exit(3)", "os._exit(3)"])
def test_an_env_py_that_exits(worker: Worker, folder: Path, end: str) -> None:
    (folder / "env.py").write_text(GOOD + end)
    assert ask(worker, "one", "upgrade", "head")[0] == 3
    (folder / "env.py").write_text(GOOD)
    assert ask(worker, "one")[0] == 0


def test_a_command_that_hangs_is_killed(worker: Worker, folder: Path) -> None:
    (folder / "env.py").write_text(GOOD + "import signal, sys\nsys.stdout.flush()\nsignal.pause()")
    assert ask(worker, "one", "upgrade", "head", timeout=1.0)[0] == TIMED_OUT
    (folder / "env.py").write_text(GOOD)
    assert ask(worker, "one")[0] == 0


def test_a_worker_that_dies_is_started_again(worker: Worker, folder: Path) -> None:
    (folder / "env.py").write_text(GOOD + "sys.stdout.flush()\nos.kill(os.getppid(), 9)\nimport signal\nsignal.pause()")
    answer = worker.run(("state",), {"DATABASE_URL": "postgresql://h/one"}, "one", LATE)
    assert (answer.code != 0, answer.ended) == (True, True)
    (folder / "env.py").write_text(GOOD)
    assert ask(worker, "one")[0] == 0


def test_no_alembic(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    code, output = ask(worker, "one")
    assert (code, output) == (127, "alembic: not found, or no Python\n")


def test_modules_of_the_project_are_always_new(worker: Worker, folder: Path) -> None:
    (folder / "app.py").write_text("import os\nurl = os.environ['DATABASE_URL']\n")
    (folder / "env.py").write_text("import sys\nsys.path.insert(0, '.')\nimport app\ncontext.configure(app.url)\n")
    assert [ask(worker, name)[0] for name in ("one", "two", "three")] == [0, 0, 0]


def test_an_installed_package_that_keeps_the_first_database(
    worker: Worker, folder: Path, packages: Path, scratch: Scratch
) -> None:
    """It is shared by all commands. Nothing runs on another database, and the command then has a process of its own."""
    (packages / "kept.py").write_text("import os\nurl = os.environ['DATABASE_URL']\n")
    (folder / "env.py").write_text("import kept\ncontext.configure(kept.url)\nprint('ran on', kept.url)\n")
    assert ask(worker, "one")[0] == 0
    code, output = ask(worker, "two", "upgrade", "head")
    assert (code, "ran on" in output) == (OTHER, False)
    (folder / "env.py").write_text("import kept, sys\nsys.exit(f'no database {kept.url}')\n")
    assert ask(worker, "two", "upgrade", "head")[0] == OTHER

    (folder / "env.py").write_text("import kept\ncontext.configure(kept.url)\nprint('ran on', kept.url)\n")
    for database in (scratch.create() for _ in range(3)):
        lines: list[str] = []
        alembic_here(folder, database, LATE).up(lines.append)
        assert f"ran on {database.url}" in lines


def test_the_table_that_env_py_configures(folder: Path, scratch: Scratch) -> None:
    database = scratch.create()
    (folder / "env.py").write_text("import sys\nsys.exit('no database')\n")
    assert alembic_here(folder, database, LATE).own_tables().history == {"alembic_version"}
    (folder / "env.py").write_text(
        "import os\ncontext.configure(os.environ['DATABASE_URL'], version_table='schema_versions')\n"
    )
    assert alembic_here(folder, database, LATE).own_tables().history == {"schema_versions"}
