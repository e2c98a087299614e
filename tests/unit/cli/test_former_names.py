"""Former names of commands and options work for one release: with a notice on stderr, and without appearing in help."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from shipway.cli import COMMANDS, FORMER, cli
from shipway.cli.rollback import FORMER as FORMER_OPTIONS
from shipway.domain.errors import UsageError
from tests.unit.cli.test_completion import completed


@pytest.mark.parametrize(("old", "new"), FORMER.items())
def test_a_former_command(old: str, new: str) -> None:
    done = CliRunner().invoke(cli, [old, "--help"])
    assert done.exit_code == 0
    assert done.stdout == CliRunner().invoke(cli, [new, "--help"]).stdout
    assert done.stderr.splitlines() == [
        f"notice: `shipway {old}` is now `shipway {new}`; the old name will be removed in the next release"
    ]


def test_help_and_completion_list_only_the_current_commands() -> None:
    listed = CliRunner().invoke(cli, ["--help"]).stdout
    assert not set(FORMER) & {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert not set(FORMER) & set(completed("shipway "))
    assert not set(FORMER) & set(COMMANDS)
    assert "--to" in completed("shipway drill --")


@pytest.mark.parametrize(("old", "new"), FORMER_OPTIONS.items())
def test_a_former_option(old: str, new: str) -> None:
    done = CliRunner().invoke(cli, ["rollback", "staging", old])  # refused: it needs a reason
    assert isinstance(done.exception, UsageError)
    assert done.exception.message == "overriding the rollback plan needs a reason"
    assert done.stderr == f"notice: {old} is now {new}; the old name will be removed in the next release\n"
    assert old not in CliRunner().invoke(cli, ["rollback", "--help"]).stdout
    assert old not in completed("shipway rollback --")
