"""How the interpreter of an image's `alembic` is found, and what is run by it. A stand-in for the package tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipway.drivers.database.alembic import Alembic

pytestmark = pytest.mark.counterpart

PACKAGE = """
import sys

def main(argv, prog):
    if argv == ["heads"]:
        print("0002 (head)")
    elif argv == ["history"]:
        print("0001 -> 0002 (head), two\\n<base> -> 0001, one")
    elif argv == ["current"]:
        print("hello from env.py, in", sys.path[0])
        print("0001")
    elif argv[0] == "upgrade":
        print("INFO  [alembic.runtime.migration] Running upgrade 0001 -> 0002, two", file=sys.stderr)
        print("from sys.path[0]", sys.path[0])
        sys.exit("FAILED: no wind")
"""
WRAPPERS = {
    "pip": "#!{python}\nfrom alembic.config import main\n",
    "pip, by a long path": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\nfrom alembic.config import main\n",
    "uv, by a path with a blank": "#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\nfrom alembic.config import main\n",
    "a script that starts another": "#!/bin/sh\nexec {python} -c 'import sys; from alembic.config import main; main(sys.argv[1:], 0)' \"$@\"\n",
    "uv, relocatable": "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'own python' \"$0\" \"$@\"\n' '''\n",
}


def alembic(folder: Path, wrapper: str | None, *, module: bool = True) -> Alembic:
    """An image whose command begins so; None: it has the module alone."""
    commands = folder / "own bin"
    commands.mkdir()
    (commands / "own python").symlink_to(sys.executable)
    package = folder / "packages/alembic"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    if module:
        (package / "config.py").write_text(PACKAGE)
    else:
        (package / "__init__.py").write_text("raise ImportError")
    if wrapper is not None:
        (commands / "alembic").write_text(wrapper.format(python=sys.executable))
        (commands / "alembic").chmod(0o755)
    python = commands / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    env = {"PATH": f"{commands}:{os.defpath}", "PYTHONPATH": str(folder / "packages")}

    def run(command: object) -> tuple[int, str]:
        done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # type: ignore[call-overload]
        return done.returncode, done.stdout

    return Alembic(run)


@pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS)
def test_by_the_interpreter_that_the_command_names(tmp_path: Path, wrapper: str) -> None:
    tool = alembic(tmp_path, wrapper)
    assert (tool.head(), tool.current(), tool.pending()) == ("0002", "0001", ["0002"])


def test_by_the_module_alone(tmp_path: Path) -> None:
    assert alembic(tmp_path, None).head() == "0002"


def test_modules_are_looked_for_where_the_command_looks(tmp_path: Path) -> None:
    """And not in the working directory, as python -c does."""
    lines: list[str] = []
    with pytest.raises(Exception, match=r"^migration 0002 failed; the schema is now at 0001\nno wind$"):
        alembic(tmp_path, WRAPPERS["pip"]).up(lines.append, "0002")
    assert f"from sys.path[0] {tmp_path}/own bin" in lines


def test_a_revision_that_the_image_lacks(tmp_path: Path) -> None:
    with pytest.raises(
        Exception, match=r"can't migrate up to 000: the image has no such revision; the schema is at 0001"
    ):
        alembic(tmp_path, WRAPPERS["pip"]).up(lambda line: None, "000")


def test_without_either_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="alembic: not found"):
        alembic(tmp_path, None, module=False).head()
