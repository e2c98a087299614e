"""The unit of systemd, which systemd itself checks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.domain.errors import UsageError
from shipway.server.unit import MARK, install, quoted, unit
from tests.programs import program

COMMAND = ("/bin/sh", "--home", "/srv/ship way", "serve", "--url", "https://ship.example.org/50%")


def test_words_are_quoted_as_systemd_reads_them() -> None:
    assert quoted("plain-word") == "plain-word"
    assert quoted("50% of $HOME") == '"50%% of $$HOME"'
    assert quoted('a "quoted" \\ one') == '"a \\"quoted\\" \\\\ one"'
    with pytest.raises(UsageError, match="control characters"):
        quoted("two\nlines")


def test_another_unit_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "shipway.service"
    for _ in range(2):  # again, after an update
        install(file, unit(COMMAND, tmp_path))
    assert file.read_text().startswith(MARK)
    file.write_text("[Unit]\n")
    with pytest.raises(UsageError, match="is not by Shipway"):
        install(file, unit(COMMAND, tmp_path))
    assert file.read_text() == "[Unit]\n"
    with pytest.raises(UsageError, match="can't be written"):
        install(tmp_path / "missing" / "shipway.service", "")


@pytest.mark.counterpart
def test_systemd_accepts_it(tmp_path: Path) -> None:
    """systemd names unknown keys and values, and rates how much a service may do."""
    analyze = program("systemd-analyze")
    file = tmp_path / "shipway.service"
    install(file, unit(COMMAND, tmp_path))
    verified = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, check=False)
    assert str(file) not in verified.stderr, verified.stderr
    assert (verified.returncode, "shipway.service" in verified.stderr) == (0, False), verified.stderr
    words = ["security", "--offline=true", "--threshold=40", "--no-pager", str(file)]  # of 100
    rated = subprocess.run([analyze, *words], capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout
