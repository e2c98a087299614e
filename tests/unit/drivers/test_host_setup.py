"""The firewall's file, and what is read from a host."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

import shipway.drivers.host_setup
from shipway.domain.host_setup import FirewallState, HostChoices, UserState
from shipway.drivers.host_setup.firewall import read_rules, rules
from shipway.drivers.host_setup.observed import state

SCRIPTS = sorted((Path(shipway.drivers.host_setup.__file__).parent / "scripts").glob("*.sh"))
PORTS = ("22/tcp", "443/udp", "8080/tcp")


def test_rules_filter_the_hosts_own_ports_and_the_published_ones() -> None:
    text = rules(PORTS, ("192.0.2.0/24", "2001:db8::/32"), ("10.0.0.5",))
    assert text.count("tcp dport 22 accept") == 1
    assert "meta l4proto tcp ct original proto-dst 8080 accept" in text
    assert text.count("ip saddr 192.0.2.0/24 accept") == text.count("ip6 saddr 2001:db8::/32 accept") == 2
    assert "ct original ip daddr 10.0.0.5 ip saddr { 10.0.0.0/8, " in text
    assert text.index("table inet shipway\ndelete table inet shipway") > 0, "replaced at once"


def test_what_was_written_is_read_back() -> None:
    text = rules(PORTS, ("192.0.2.0/24",), ())
    assert read_rules(text, True, "") == FirewallState(PORTS, ("192.0.2.0/24",), (), True, "")
    assert not read_rules(text, False, "").intact
    assert not read_rules(text.replace("policy drop", "policy accept"), True, "").intact
    assert not read_rules(text.replace("192.0.2.0/24", "nonsense"), True, "").intact
    assert read_rules("", True, "ufw") == FirewallState(other="ufw")
    assert read_rules("table inet filter {}", True, "").ports is None


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SSH = encoded("port 2222\npermitrootlogin without-password\n")
SETTINGS = encoded('{"mtu": 1400}')
RECORDED = encoded('{"ports": ["80/tcp"], "trusted": [], "private": [], "swap": 1, "without": ["ssh"]}')
NO_OPTIONS = encoded('{"log-opts": 3}')


def test_what_a_host_says() -> None:
    lines = [
        "system debian 12", "packages docker-ce nftables chrony apparmor ", "engine 27.1", "user yes", "user_engine yes",
        f"keys {encoded('ssh-ed25519 AAAA ada')}", "user_path deploy 700", "user_path deploy 600",
        "upgrades Update-Package-Lists=1 Unattended-Upgrade=1 ", "upgrades_at_boot yes", "time chrony", "swap 1000",
        f"ssh {SSH}", "ssh_port 22", "ssh_drop_ins yes", "disk_free 5",
        f"settings {SETTINGS}", "synchronized no",
        f"recorded {RECORDED}",
    ]  # fmt: skip
    found = state("\n".join(lines), "deploy")
    assert found.missing == {"engine": ("ca-certificates",), "upgrades": ("unattended-upgrades",)}
    assert found.user == UserState(True, True, ("ssh-ed25519 AAAA ada",))
    assert (found.engine, found.engine_at_boot, found.upgrades, found.time, found.synchronized) == (
        "27.1",
        False,
        True,
        True,
        False,
    )
    assert found.ssh_ports == ("22/tcp", "2222/tcp")
    assert found.ssh["permitrootlogin"] == "prohibit-password"
    assert found.settings == {"mtu": 1400}
    assert found.recorded == HostChoices(("80/tcp",), (), (), 1, ("ssh",))


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (f"settings {encoded('{')}", "settings", None),
        (f"settings {encoded('[]')}", "settings", None),
        (f"settings {NO_OPTIONS}", "settings", None),
        (f"settings {encoded('')}", "settings", {}),
        (f"recorded {encoded('{}')}", "recorded", None),
        ("upgrades Update-Package-Lists=1 Unattended-Upgrade=0", "upgrades", False),
        ("user_path root 644", "user", UserState(safe=False)),
        ("user_path deploy 666", "user", UserState(safe=False)),
        ("swap ", "swap", 0),
    ],
)
def test_what_is_missing_or_broken(line: str, field: str, value: object) -> None:
    assert getattr(state(f"system debian 12\n{line}", "deploy"), field) == value


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_scripts_are_plain_shell(script: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
