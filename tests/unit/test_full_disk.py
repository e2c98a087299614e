"""A full disk of the machine that the command runs on is an error in words."""

from __future__ import annotations

import errno
import signal

import pytest

import shipway.cli
from shipway.domain.errors import DiskFull


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_it_has_the_exit_code(number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fills(**options: object) -> None:
        raise OSError(number, "No space left on device", "/home/ada/ledger.db")

    monkeypatch.setattr(shipway.cli.cli, "main", fills)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as caught:
        shipway.cli.main()
    assert caught.value.code == DiskFull.exit_code
    assert "no space left on this machine's disk: /home/ada/ledger.db" in capsys.readouterr().err


def test_other_errors_of_the_system_are_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shipway.cli.cli, "main", fails)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(OSError, match="Input/output"):
        shipway.cli.main()
