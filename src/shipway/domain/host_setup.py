"""Preparing a bare host: the state that is wanted, the state that was observed, and what differs. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from shipway.domain.size import readable
from shipway.domain.value import dataclass

# In the order in which they are applied: packages first, and what could lock its operator out last.
PARTS = ("packages", "engine", "user", "upgrades", "time", "swap", "firewall", "ssh", "record", "disk")
SYSTEMS: Mapping[str, float] = {"debian": 11, "ubuntu": 20.04}  # the oldest release of each
DISK = 10 * 10**9  # bytes that should be free for images and data
SWAP = 2 * 10**9  # bytes
# Settings of the engine that are added where they are missing; what is set stays.
ENGINE: Mapping[str, Any] = {"live-restore": True, "log-driver": "json-file"}
LOG_FILES: Mapping[str, str] = {"max-size": "10m", "max-file": "5"}
LOG_DRIVERS = ("json-file", "local")  # the ones that take LOG_FILES
# Options of the SSH server: the accepted values, of which the first is set.
SSH: Mapping[str, tuple[str, ...]] = {
    "PasswordAuthentication": ("no",),
    "KbdInteractiveAuthentication": ("no",),
    "PermitEmptyPasswords": ("no",),
    "PermitRootLogin": ("prohibit-password", "forced-commands-only", "no"),
    "X11Forwarding": ("no",),
    # Connections to the engine and to containers need them.
    "AllowTcpForwarding": ("yes", "all", "local"),
    "AllowStreamLocalForwarding": ("yes", "all", "local"),
}


@dataclass(frozen=True)
class HostKey:
    """The key with which a host identifies itself. known: whether the user's known hosts have it."""

    fingerprint: str  # SHA256:…
    kind: str  # ED25519
    known: bool = False


@dataclass(frozen=True)
class HostLogin:
    """How deployments log in: the user, and the lines of public keys of which at least one must be accepted."""

    user: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostChoices:
    """What can be chosen, and is recorded on the host. ports: `443/tcp`, without the SSH server's own. trusted: networks
    that reach every port. private: addresses whose published ports private networks reach. swap: bytes, 0 for none.
    without: parts that are left alone."""

    ports: tuple[str, ...] = ("80/tcp", "443/tcp", "443/udp")
    trusted: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    swap: int = SWAP
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostGoal(HostChoices):
    """What a prepared host has. user: of deployments. keys: lines that it accepts."""

    user: str = ""
    keys: tuple[str, ...] = ()

    @property
    def choices(self) -> HostChoices:
        """What is recorded of it."""
        return HostChoices(self.ports, self.trusted, self.private, self.swap, self.without)


@dataclass(frozen=True)
class UserState:
    """The deploy user. safe: only the user can change its keys."""

    exists: bool = False
    uses_engine: bool = False
    keys: tuple[str, ...] = ()
    safe: bool = True


@dataclass(frozen=True)
class FirewallState:
    """Shipway's own rules; None: there are none. intact: what is loaded, and loaded at boot, is what was confirmed.
    other: the name of another firewall that is active."""

    ports: tuple[str, ...] | None = None
    trusted: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    intact: bool = False
    other: str = ""


@dataclass(frozen=True)
class HostState:
    """What was observed. settings: of the engine, None if its file can't be read as such. ssh: the effective options.
    synchronized: None if it is unknown."""

    system: str  # debian 12
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # packages, by the part that needs them
    engine: str = ""  # its version, while it runs
    engine_at_boot: bool = False
    settings: Mapping[str, Any] | None = field(default_factory=dict)
    user: UserState = UserState()
    upgrades: bool = False
    time: bool = False
    synchronized: bool | None = None
    swap: int = 0  # bytes
    firewall: FirewallState = FirewallState()
    ssh: Mapping[str, str] = field(default_factory=dict)
    ssh_ports: tuple[str, ...] = ("22/tcp",)
    ssh_drop_ins: bool = True  # whether the SSH server's configuration includes further files
    disk_free: int = DISK  # bytes
    recorded: HostChoices | None = None  # by the last preparation


@dataclass(frozen=True)
class HostChange:
    """One part that is brought to its goal, and in which way it differs."""

    part: str
    title: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostProblem:
    """What Shipway doesn't change. blocking: nothing is changed before it is solved."""

    part: str
    message: str
    hint: str = ""
    blocking: bool = False


@dataclass(frozen=True)
class HostPlan:
    """What to change on a host, in order, and what needs a person."""

    changes: tuple[HostChange, ...] = ()
    problems: tuple[HostProblem, ...] = ()

    @property
    def prepared(self) -> bool:
        """Whether nothing is left to do."""
        return not self.changes and not self.problems


def decide(goal: HostGoal, state: HostState) -> HostPlan:
    """What differs between the goal and what was observed."""
    problems = _problems(goal, state)
    if any(item.part == "system" for item in problems):
        return HostPlan(problems=problems)  # what else was observed means nothing
    found = {
        "packages": ("install packages", [*missing(goal, state)]),
        "engine": ("set up the engine", _engine(state)),
        "user": (f"deploy user {goal.user}", _user(goal, state.user)),
        "upgrades": ("unattended upgrades", [] if state.upgrades else ["install security updates daily"]),
        "time": ("time synchronization", [] if state.time else ["enable a time service"]),
        "swap": ("swap", _swap(goal, state)),
        "firewall": ("firewall", _firewall(goal, state)),
        "ssh": ("SSH server", [f"{name}: {old or 'default'} → {new}" for name, old, new in ssh_differences(state)]),
        "record": ("record the choices", [] if state.recorded == goal.choices else ["for later checks"]),
    }
    changes = tuple(
        HostChange(part, *_titled(found[part]))
        for part in PARTS
        if part in found and part not in goal.without and found[part][1]
    )
    return HostPlan(changes, problems)


def goal_of(user: str, keys: tuple[str, ...], chosen: Mapping[str, Any], recorded: HostChoices | None) -> HostGoal:
    """The goal: what was chosen now, else what is recorded on the host, else the default. chosen: by the names of
    HostChoices; `more_ports` are open in any case, and networks reach `more_private`."""
    more = ("more_ports", "more_private")
    base = {**vars(recorded or HostChoices()), **{key: value for key, value in chosen.items() if key not in more}}
    ports = {*base.pop("ports"), *chosen.get("more_ports", ())}
    base["private"] = tuple(sorted({*base["private"], *chosen.get("more_private", ())}))
    base["without"] = tuple(part for part in PARTS if part in base["without"])
    return HostGoal(**base, ports=sorted_ports(ports), user=user, keys=keys)


def missing(goal: HostGoal, state: HostState) -> tuple[str, ...]:
    """The packages to install."""
    return tuple(name for part, names in state.missing.items() if part not in goal.without for name in names)


def merged_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's settings with those that were missing."""
    merged = {**settings, **{key: value for key, value in ENGINE.items() if key not in settings}}
    if merged["log-driver"] in LOG_DRIVERS:
        merged["log-opts"] = {**LOG_FILES, **settings.get("log-opts", {})}
    return merged


def open_ports(goal: HostGoal, state: HostState) -> tuple[str, ...]:
    """The ports that the firewall leaves open: the goal's, and those of the SSH server in any case."""
    return sorted_ports({*goal.ports, *state.ssh_ports})


def sorted_ports(ports: Iterable[str]) -> tuple[str, ...]:
    """Ports by number."""
    return tuple(sorted(set(ports), key=lambda port: (int(port.partition("/")[0]), port)))


def ssh_differences(state: HostState) -> list[tuple[str, str, str]]:
    """Options of the SSH server that differ: name, present value, wanted value."""
    present = {name: state.ssh.get(name.lower(), "") for name in SSH}
    return [(name, present[name], values[0]) for name, values in SSH.items() if present[name] not in values]


def is_port(text: str) -> bool:
    """Whether it is a port such as `8080/tcp`."""
    number, _, protocol = text.partition("/")
    return number.isascii() and number.isdigit() and 0 < int(number) < 65536 and protocol in ("tcp", "udp")


def is_network(text: str) -> bool:
    """Whether it is a network such as `10.0.0.0/16`, or an address."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _titled(found: tuple[str, list[str]]) -> tuple[str, tuple[str, ...]]:
    return found[0], tuple(found[1])


def _engine(state: HostState) -> list[str]:
    details = [] if state.engine else ["start it"]
    if not state.engine_at_boot:
        details.append("start it at boot")
    if state.settings is None:
        return details
    merged = merged_settings(state.settings)
    return details + [
        f"{key}: {_shown(state.settings.get(key))} → {_shown(merged[key])}"
        for key in merged
        if state.settings.get(key) != merged[key]
    ]


def _user(goal: HostGoal, user: UserState) -> list[str]:
    details = [] if user.exists else ["create it, without a password"]
    if not user.uses_engine:
        details.append("let it use the engine (group membership that amounts to root)")
    if not user.safe:
        details.append("only it may change its authorized keys")
    return details + [f"authorize {_key_name(key)}" for key in goal.keys if _key(key) not in map(_key, user.keys)]


def _swap(goal: HostGoal, state: HostState) -> list[str]:
    return [f"{readable(state.swap)} → {readable(goal.swap)}"] if goal.swap and state.swap == 0 else []


def _firewall(goal: HostGoal, state: HostState) -> list[str]:
    present, ports = state.firewall, open_ports(goal, state)
    if present.ports is None:
        details = [f"close every port, also published ones, except {', '.join(ports)}"]
    else:
        details = [f"open {port}" for port in ports if port not in present.ports]
        details += [f"close {port}" for port in present.ports if port not in ports]
        details += [] if present.intact else ["load the confirmed rules again, now and at boot"]
    details += [f"trust {network}" for network in goal.trusted if network not in present.trusted]
    details += [f"no longer trust {network}" for network in present.trusted if network not in goal.trusted]
    details += [f"let private networks reach {item}" for item in goal.private if item not in present.private]
    return details + [f"close {item} to private networks" for item in present.private if item not in goal.private]


def _problems(goal: HostGoal, state: HostState) -> tuple[HostProblem, ...]:
    found = []
    name, _, version = state.system.partition(" ")
    if not _supported(name, version):
        known = " or ".join(f"{system.capitalize()} {oldest:g}" for system, oldest in SYSTEMS.items())
        found.append(
            HostProblem("system", f"{state.system or 'the system'} is not supported", f"use {known}, or newer", True)
        )
    if state.settings is None and "engine" not in goal.without:
        found.append(
            HostProblem("engine", "the engine's settings can't be read", "correct them, or pass --without engine", True)
        )
    if state.firewall.other and "firewall" not in goal.without:
        message = f"another firewall is active: {state.firewall.other}"
        found.append(HostProblem("firewall", message, "disable it, or pass --without firewall", True))
    if ssh_differences(state) and not state.ssh_drop_ins and "ssh" not in goal.without:
        message = "the SSH server's configuration includes no further files"
        found.append(
            HostProblem("ssh", message, "add its Include line as the distribution has it, or pass --without ssh", True)
        )
    if state.disk_free < DISK and "disk" not in goal.without:
        message = f"{readable(state.disk_free)} are free for images and data, less than {readable(DISK)}"
        found.append(HostProblem("disk", message, "enlarge the disk, or pass --without disk"))
    if state.time and state.synchronized is False and "time" not in goal.without:
        found.append(HostProblem("time", "the clock is not synchronized", "check the time service and UDP port 123"))
    if not goal.keys and not state.user.keys and "user" not in goal.without:
        message = f"no public key for {goal.user} is known here"
        found.append(HostProblem("user", message, "pass --key FILE, or make one: ssh-keygen -t ed25519", True))
    return tuple(found)


def _supported(name: str, version: str) -> bool:
    try:
        return float(version) >= SYSTEMS[name]
    except (KeyError, ValueError):
        return False


def _key(line: str) -> str:
    """A key without options and comment."""
    words = line.split()
    kinds = ("ssh-", "ecdsa-", "sk-")
    return next((" ".join(words[at : at + 2]) for at, word in enumerate(words) if word.startswith(kinds)), line)


def _key_name(line: str) -> str:
    words = _key(line).split()
    comment = line.partition(_key(line))[2].strip()
    return comment or f"{words[0]} …{words[-1][-8:]}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
