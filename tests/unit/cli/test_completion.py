"""Shell completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.cli import COMMANDS, cli
from shipway.cli.completion import SHELLS

SHIPWAY = Path(sys.executable).with_name("shipway")


def completed(words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    env = {**os.environ, "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_SHIPWAY_COMPLETE": "bash_complete"}
    output = subprocess.run([SHIPWAY], env=env, capture_output=True, text=True, check=True).stdout
    return [line.removeprefix("plain,") for line in output.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0, done.output
    assert f"_SHIPWAY_COMPLETE={shell}_complete" in done.output


def test_commands_and_options() -> None:
    assert completed("shipway sta") == ["status"]
    assert completed("shipway ") == list(COMMANDS)
    assert "--dry-run" in completed("shipway deploy --")
    assert completed("shipway key e") == ["export"]
