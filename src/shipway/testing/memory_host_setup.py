"""A bare host in memory, which fails on script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import (
    FirewallState,
    HostGoal,
    HostKey,
    HostLogin,
    HostState,
    UserState,
    merged_settings,
    open_ports,
    ssh_differences,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMemoryMemoryMemoryMemoryMemoryMemoryMemory ada@laptop"
BARE = HostState(
    "debian 12",
    missing={"engine": ("engine",), "firewall": ("firewall",), "upgrades": ("upgrades",), "time": ("clock",)},
    ssh={"passwordauthentication": "yes", "allowtcpforwarding": "yes", "allowstreamlocalforwarding": "yes"},
    disk_free=50 * 10**9,
)


class MemoryHost:
    """The machine itself: its state survives connections. failing: by part, `before` or `after` its effect. reachable:
    whether new connections can be opened."""

    def __init__(self, state: HostState = BARE) -> None:
        self.state = state
        self.key = HostKey("SHA256:first", "ED25519")
        self.failing: dict[str, str] = {}
        self.reachable = True
        self.applied: list[str] = []


class MemoryHostSetup:
    """Its HostSetup. known: fingerprint of the known key, shared by the connections of one user."""

    def __init__(self, host: MemoryHost, known: list[str] | None = None, login: HostLogin | None = None) -> None:
        self._host, self._known = host, known if known is not None else []
        self._login = login or HostLogin("deploy", (KEY,))
        self.closed = False

    def offered_key(self) -> HostKey:
        if self._known and self._known[-1] != self._host.key.fingerprint:
            raise EngineError("can't reach the host: its host key differs from the known one")
        return replace(self._host.key, known=bool(self._known))

    def trust(self, key: HostKey) -> None:
        if key.fingerprint != self._host.key.fingerprint:
            raise EngineError(f"the host offers another key now: {self._host.key.fingerprint}")
        self._known.append(key.fingerprint)

    def login(self) -> HostLogin:
        return self._login

    def observe(self, user: str) -> HostState:
        self._require_known()
        return self._host.state

    def apply(self, part: str, goal: HostGoal) -> None:
        self._require_known()
        host, before = self._host, self._host.state
        if host.failing.get(part) == "before":
            raise EngineError(f"{part} failed")
        host.applied.append(part)
        host.state = _EFFECTS[part](before, goal)
        if part in ("firewall", "ssh") and not host.reachable:
            host.state = before
            raise EngineError(f"the change of the {part} part was not confirmed by a new connection; it was reverted")
        if host.failing.get(part) == "after":
            raise EngineError(f"{part} failed")

    def close(self) -> None:
        self.closed = True

    def _require_known(self) -> None:
        if not self.offered_key().known:
            raise EngineError("can't reach the host: its host key is unknown")


def _packages(state: HostState, goal: HostGoal) -> HostState:
    started = {} if "engine" in goal.without else {"engine": "20.10", "engine_at_boot": True}
    kept = {part: names for part, names in state.missing.items() if part in goal.without}
    return replace(state, missing=kept, **started)  # type: ignore[arg-type]


def _engine(state: HostState, goal: HostGoal) -> HostState:
    settings = merged_settings(state.settings or {})
    return replace(state, settings=settings, engine=state.engine or "20.10", engine_at_boot=True)


def _user(state: HostState, goal: HostGoal) -> HostState:
    return replace(state, user=UserState(True, True, tuple(dict.fromkeys([*state.user.keys, *goal.keys]))))


def _firewall(state: HostState, goal: HostGoal) -> HostState:
    found = FirewallState(open_ports(goal, state), goal.trusted, goal.private, True, state.firewall.other)
    return replace(state, firewall=found)


def _ssh(state: HostState, goal: HostGoal) -> HostState:
    return replace(state, ssh={**state.ssh, **{name.lower(): new for name, _, new in ssh_differences(state)}})


_EFFECTS: dict[str, Callable[[HostState, HostGoal], HostState]] = {
    "packages": _packages,
    "engine": _engine,
    "user": _user,
    "upgrades": lambda state, goal: replace(state, upgrades=True),
    "time": lambda state, goal: replace(state, time=True),
    "swap": lambda state, goal: replace(state, swap=goal.swap),
    "firewall": _firewall,
    "ssh": _ssh,
    "record": lambda state, goal: replace(state, recorded=goal.choices),
}
