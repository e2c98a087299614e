"""Hints about optional parts fit how Shipway was installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from shipway.domain.errors import SecretError, UsageError
from shipway.system import installation
from shipway.system.installation import age_library, missing_part, update_command

SOURCE = Path(__file__).parents[3] / "src" / "shipway"
LISTED = [
    'click>=8.1', 'pyrage>=1.2; extra == "age"', "octodns>=1.20; extra == 'dns'", 'dnspython>=2.6 ; extra == "dns"',
    'pymysql>=1.1; python_version >= "3.11" and extra == "mysql"',
]  # fmt: skip


@pytest.mark.parametrize(
    ("prefix", "command", "update"),
    [
        ("/home/ada/.local/share/pipx/venvs/shipway", "pipx inject shipway", "pipx reinstall shipway"),
        ("/opt/pipx/venvs/shipway-2", "pipx inject shipway-2", "pipx reinstall shipway-2"),
        ("/home/ada/.local/share/uv/tools/shipway", "uv pip install --python /bin/python", "uv tool upgrade shipway"),
        ("/srv/venv", "/bin/python -m pip install", "/bin/python -m pip install --upgrade shipway"),
    ],
)
def test_commands_are_of_the_program_that_installed_it(
    monkeypatch: pytest.MonkeyPatch, prefix: str, command: str, update: str
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(sys, "executable", "/bin/python")
    monkeypatch.setattr("importlib.metadata.requires", lambda name: LISTED)
    assert missing_part("age") == f"install the optional part age: {command} 'pyrage>=1.2'"
    assert missing_part("dns", "octodns-ovh").endswith(f"{command} 'octodns>=1.20' 'dnspython>=2.6' octodns-ovh")
    assert missing_part("mysql").endswith(f"{command} 'pymysql>=1.1'")
    assert update_command() == update


def test_packages_of_each_part_are_known() -> None:
    for part in ("age", "aws", "backups", "lint", "dns", "mysql"):
        assert not any(item.startswith("shipway[") for item in installation._packages(part)), part


@pytest.mark.parametrize("error", [SecretError, UsageError])
def test_age_is_explained_once_for_backups_and_secrets(
    monkeypatch: pytest.MonkeyPatch, error: type[SecretError] | type[UsageError]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(error, match="needs the library pyrage, which is not installed") as raised:
        age_library(error)
    assert raised.value.hint == missing_part("age")


def test_no_other_hint_says_how_to_install_a_part() -> None:
    found = {
        path.name
        for path in SOURCE.rglob("*.py")
        if re.search(r"pip install '?shipway|pip install squawk|pipx (install|inject|upgrade)", path.read_text())
    }
    assert found == {"installation.py"}
