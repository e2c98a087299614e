"""Where a host is, as this machine's own ssh says by its configuration."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shipway.domain.errors import EngineError
from shipway.domain.host_location import HostLocation, named
from shipway.drivers.hosts.ssh import SshHost

CONFIG = """
Host web1
  HostName 203.0.113.7
  Port 2222
Host web2
  HostName 10.0.0.9
  ProxyJump gate.example
Host web3
  HostName 10.0.0.10
  ProxyCommand nc -X connect %h %p
Host web4
  HostName 203.0.113.8
  ProxyJump none
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSH finds ~/.ssh by the user's entry in passwd, not by HOME."""
    config = tmp_path / "config"
    config.write_text(CONFIG)
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ssh://web1", HostLocation("203.0.113.7", 2222)),
        ("ssh://deploy@web1:2200", HostLocation("203.0.113.7", 2200)),
        ("ssh://web2", HostLocation("10.0.0.9", 22, "the jump host gate.example")),
        ("ssh://web3", HostLocation("10.0.0.10", 22, "a ProxyCommand")),
        ("ssh://web4", HostLocation("203.0.113.8")),
        ("ssh://203.0.113.9", HostLocation("203.0.113.9")),
        ("ssh://web.example", HostLocation("web.example")),
    ],
)
def test_it_is_what_ssh_would_connect_to(name: str, found: HostLocation) -> None:
    assert SshHost(name).location() == found


def test_a_broken_configuration_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Nonsense yes\n")
    with pytest.raises(EngineError, match="ssh can't read its configuration for ssh://web1") as caught:
        SshHost("ssh://web1").location()
    assert "~/.ssh/config" in caught.value.hint


def test_without_a_configuration_it_is_the_name() -> None:
    assert named("ssh://deploy@web1:2222") == HostLocation("web1", 2222)
    assert named("local") == HostLocation("")
