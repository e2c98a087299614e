"""What differs between a host and its goal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.domain.host_setup import (
    PARTS,
    FirewallState,
    HostChoices,
    HostGoal,
    HostState,
    UserState,
    decide,
    goal_of,
    is_network,
    is_port,
    merged_settings,
    missing,
    open_ports,
)

KEY = "ssh-ed25519 AAAAKEY ada@laptop"
GOAL = HostGoal(user="deploy", keys=(KEY,))
SSH = {
    "passwordauthentication": "no", "kbdinteractiveauthentication": "no", "permitemptypasswords": "no",
    "permitrootlogin": "prohibit-password", "x11forwarding": "no", "allowtcpforwarding": "yes", "allowstreamlocalforwarding": "yes",
}  # fmt: skip
PREPARED = HostState(
    "debian 12", engine="20.10", engine_at_boot=True, settings=merged_settings({}), user=UserState(True, True, (KEY,)),
    upgrades=True, time=True, synchronized=True, swap=10**9,
    firewall=FirewallState(open_ports(GOAL, HostState("")), intact=True), ssh=SSH, recorded=GOAL.choices,
)  # fmt: skip


def text(goal: HostGoal, state: HostState) -> str:
    plan = decide(goal, state)
    lines = [f"{item.part}: {', '.join(item.details)}" for item in plan.changes]
    return "\n".join(
        [*lines, *(f"! {item.part}{' (blocking)' * item.blocking}: {item.message}" for item in plan.problems)]
    )


def test_a_prepared_host_needs_nothing() -> None:
    assert text(GOAL, PREPARED) == ""
    assert decide(GOAL, PREPARED).prepared


def test_a_bare_host_needs_everything_in_order() -> None:
    bare = HostState("ubuntu 24.04", missing={"engine": ("docker.io",), "firewall": ("nftables",)})
    assert text(GOAL, bare).splitlines() == [
        "packages: docker.io, nftables",
        "engine: start it, start it at boot, live-restore: none → true, log-driver: none → json-file, log-opts: none → max-size=10m, max-file=5",
        "user: create it, without a password, let it use the engine (group membership that amounts to root), authorize ada@laptop",
        "upgrades: install security updates daily",
        "time: enable a time service",
        "swap: 0 bytes → 2.0 GB",
        "firewall: close every port, also published ones, except 22/tcp, 80/tcp, 443/tcp, 443/udp",
        "ssh: PasswordAuthentication: default → no, KbdInteractiveAuthentication: default → no, PermitEmptyPasswords: default → no, "
        "PermitRootLogin: default → prohibit-password, X11Forwarding: default → no, AllowTcpForwarding: default → yes, "
        "AllowStreamLocalForwarding: default → yes",
        "record: for later checks",
    ]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_left_alone_is_not_changed(part: str) -> None:
    bare = HostState("debian 12", missing={"engine": ("docker.io",), "firewall": ("nftables",)}, disk_free=0)
    found = text(replace(GOAL, without=(part,)), bare)
    assert f"{part}: " not in found


def test_packages_of_a_part_that_is_left_alone_are_not_installed() -> None:
    state = HostState("debian 12", missing={"engine": ("docker.io",), "firewall": ("nftables",)})
    assert missing(replace(GOAL, without=("firewall",)), state) == ("docker.io",)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"live-restore": True, "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "5"}}),
        (
            {"log-opts": {"max-size": "1g"}, "mtu": 1400},
            {
                "log-opts": {"max-size": "1g", "max-file": "5"},
                "mtu": 1400,
                "live-restore": True,
                "log-driver": "json-file",
            },
        ),
        ({"log-driver": "journald", "live-restore": False}, {"log-driver": "journald", "live-restore": False}),
    ],
)
def test_settings_are_added_and_never_replaced(settings: dict[str, object], expected: dict[str, object]) -> None:
    assert merged_settings(settings) == expected
    assert merged_settings(expected) == expected


@pytest.mark.parametrize(
    ("state", "goal", "expected"),
    [
        (replace(PREPARED, ssh={**SSH, "permitrootlogin": "no"}), GOAL, ""),  # stricter
        (replace(PREPARED, ssh={**SSH, "permitrootlogin": "yes"}), GOAL, "ssh: PermitRootLogin: yes → prohibit-password"),
        (replace(PREPARED, ssh_ports=("22/tcp", "2222/tcp")), GOAL, "firewall: open 2222/tcp"),
        (PREPARED, replace(GOAL, ports=("80/tcp",)), "firewall: close 443/tcp, close 443/udp\nrecord: for later checks"),
        (PREPARED, replace(GOAL, trusted=("10.0.0.0/8",)), "firewall: trust 10.0.0.0/8\nrecord: for later checks"),
        (
            PREPARED, replace(GOAL, private=("10.0.0.1",)),
            "firewall: let private networks reach 10.0.0.1\nrecord: for later checks",
        ),
        (
            replace(PREPARED, firewall=replace(PREPARED.firewall, intact=False)), GOAL,
            "firewall: load the confirmed rules again, now and at boot",
        ),
        (replace(PREPARED, user=UserState(True, True, (f"no-pty {KEY} other comment",))), GOAL, ""),
        (replace(PREPARED, user=UserState(True, True, (KEY,), safe=False)), GOAL, "user: only it may change its authorized keys"),
        (replace(PREPARED, swap=1), replace(GOAL, swap=4 * 10**9), "record: for later checks"),
        (replace(PREPARED, engine=""), GOAL, "engine: start it"),
    ],
)  # fmt: skip
def test_drift(state: HostState, goal: HostGoal, expected: str) -> None:
    assert text(goal, state) == expected


@pytest.mark.parametrize(
    ("state", "goal", "expected"),
    [
        (replace(PREPARED, system="fedora 41"), GOAL, "! system (blocking): fedora 41 is not supported"),
        (replace(PREPARED, system="debian 10", engine=""), GOAL, "! system (blocking): debian 10 is not supported"),
        (replace(PREPARED, system=""), GOAL, "! system (blocking): the system is not supported"),
        (replace(PREPARED, system="debian"), GOAL, "! system (blocking): debian is not supported"),
        (replace(PREPARED, settings=None), GOAL, "! engine (blocking): the engine's settings can't be read"),
        (
            replace(PREPARED, firewall=replace(PREPARED.firewall, other="ufw")), GOAL,
            "! firewall (blocking): another firewall is active: ufw",
        ),
        (replace(PREPARED, firewall=FirewallState(other="ufw")), replace(GOAL, without=("firewall",)), "record: for later checks"),
        (replace(PREPARED, ssh_drop_ins=False), GOAL, ""),
        (
            replace(PREPARED, disk_free=3 * 10**9), GOAL,
            "! disk: 3.0 GB are free for images and data, less than 10 GB",
        ),
        (replace(PREPARED, synchronized=False), GOAL, "! time: the clock is not synchronized"),
        (replace(PREPARED, user=UserState(True, True)), replace(GOAL, keys=()), "! user (blocking): no public key for deploy is known here"),
    ],
)  # fmt: skip
def test_problems(state: HostState, goal: HostGoal, expected: str) -> None:
    assert text(goal, state) == expected


def test_choices_are_those_of_now_then_the_recorded_ones_then_the_defaults() -> None:
    recorded = HostChoices(("8080/tcp",), ("10.0.0.0/8",), (), 0, ("swap",))
    assert goal_of("deploy", (), {}, None).choices == HostChoices(("80/tcp", "443/tcp", "443/udp"))
    assert goal_of("deploy", (), {}, recorded).choices == recorded
    chosen = {"ports": ("9/udp",), "more_ports": ("80/tcp", "9/udp"), "swap": 5}
    assert goal_of("deploy", (), chosen, recorded).choices == HostChoices(
        ("9/udp", "80/tcp"), ("10.0.0.0/8",), (), 5, ("swap",)
    )


def test_an_environment_closes_no_addresses_of_another_one_on_the_same_host() -> None:
    recorded = HostChoices(private=("10.0.0.2",))
    assert goal_of("deploy", (), {"more_private": ()}, recorded).private == ("10.0.0.2",)
    assert goal_of("deploy", (), {"more_private": ("10.0.0.1",)}, recorded).private == ("10.0.0.1", "10.0.0.2")


def test_ports_and_networks() -> None:
    assert [item for item in ("80/tcp", "0/tcp", "70000/tcp", "80", "x/tcp", "53/udp", "²/tcp") if is_port(item)] == [
        "80/tcp",
        "53/udp",
    ]
    assert [item for item in ("10.0.0.0/8", "10.0.0.1", "10.0.0.1/8", "fd00::/8", "x") if is_network(item)] == [
        "10.0.0.0/8", "10.0.0.1", "fd00::/8",
    ]  # fmt: skip
