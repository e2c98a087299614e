"""What `shipway launch` shows of generated passwords."""

from __future__ import annotations

import sys

import pytest

from shipway.cli.launch import _shown


def test_a_password_is_shown_on_a_terminal_only(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _shown("ADMIN_PASSWORD", "very-random-value", "staging")
    assert capfd.readouterr().out == (
        "ADMIN_PASSWORD was generated; `shipway secret export staging ADMIN_PASSWORD` prints it\n"
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _shown("ADMIN_PASSWORD", "very-random-value", "staging")
    assert "very-random-value" in capfd.readouterr().out
