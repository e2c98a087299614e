"""SBOM tools: syft itself, and the one in memory."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from shipway.domain.errors import SbomError
from shipway.drivers.sbom.syft import VARIABLE, Syft, found
from shipway.ports import SbomTool
from shipway.testing.memory_sbom import MemorySbom
from shipway.testing.sbom import SbomContract
from tests.conformance.labs import DockerLab
from tests.programs import real_syft


class Lab(NamedTuple):
    tool: SbomTool
    image: str
    package: str


class TestMemorySbom(SbomContract):
    @pytest.fixture
    def lab(self) -> Lab:
        tool = MemorySbom()
        tool.missing = {"shipway.invalid/nothing@sha256:" + "0" * 64}
        return Lab(tool, "image", "openssl")


@pytest.mark.engine
class TestSyft(SbomContract):
    @pytest.fixture
    def lab(self, docker: DockerLab) -> Lab:
        return Lab(Syft(real_syft(), docker.engine.variables()), "redis:7", "libc6")


def test_which_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = _program(tmp_path, "pass")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    assert found() == program
    monkeypatch.setenv(VARIABLE, program)
    monkeypatch.setenv("PATH", "/nowhere")
    assert found() == program
    monkeypatch.delenv(VARIABLE)
    assert found() is None


@pytest.mark.counterpart
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print('no space left on device'); sys.exit(1)", "exit code 1: no space left on device"),
        ("pass", "wrote no SBOM"),
        ("write('not JSON')", "can't be read"),
        ("write('[]')", "can't be read"),
        ("write('{}')", "can't be read"),
    ],
)
def test_a_program_that_fails(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SbomError, match=why):
        Syft(_program(tmp_path, text), {}).scan("image")


@pytest.mark.counterpart
def test_it_gets_no_secret_of_shipway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPWAY_KEY", "swk1_secret")
    text = (
        "import os; write('{\"bomFormat\": \"CycloneDX\", \"x\": \"' + os.environ.get('SHIPWAY_KEY', 'none') + '\"}')"
    )
    assert '"none"' in Syft(_program(tmp_path, text), {}).scan("image")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match="can't be started"):
        Syft(str(tmp_path / "nothing"), {}).tool()


def _program(folder: Path, text: str) -> str:
    """One that is called as syft is."""
    file = folder / "syft"
    file.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "def write(text): open(sys.argv[-1].partition('=')[2], 'w').write(text)\n" + text + "\n"
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return os.fspath(file)
