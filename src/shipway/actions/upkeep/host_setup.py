"""Prepare bare hosts, and check that they still are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shipway.context import Context
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.host_setup import HostGoal, HostKey, HostPlan, decide, goal_of
from shipway.domain.plan import LOCAL, Environment
from shipway.domain.value import dataclass
from shipway.ports import HostSetup
from shipway.system.parallel import attempt_side_by_side, side_by_side

Ask = Callable[[str, HostKey], bool]  # by a host's name: whether its key, which is unknown here, is to be trusted


@dataclass(frozen=True)
class PreparedHost:
    """A host, its goal, and what differs from it."""

    name: str
    setup: HostSetup
    goal: HostGoal
    plan: HostPlan


@contextmanager
def examined(
    ctx: Context,
    hosts: Sequence[str],
    login: str,
    chosen: Mapping[str, Any],
    trust: Ask,
    *,
    user: str = "",
    keys: tuple[str, ...] = (),
    password: str = "",
) -> Iterator[list[PreparedHost]]:
    """Connect to hosts by their names in the plan, and compare each with its goal. chosen: see `domain.host_setup.goal_of`.
    user, keys: of deployments [those that this machine's SSH would use]. password: of the login, for `sudo`."""
    assert ctx.host_setup is not None
    ctx.redactor.add({"sudo password": password})
    setups = {name: ctx.host_setup(name, login, password) for name in hosts}
    try:
        for name, setup in setups.items():  # one question after the other
            _identify(name, setup, trust)
        yield side_by_side(lambda item: _examine(*item, user, keys, chosen), setups.items())
    finally:
        for setup in setups.values():
            setup.close()


def prepare(ctx: Context, hosts: Sequence[PreparedHost]) -> list[PreparedHost]:
    """Carry out the plans of the hosts in parallel, and check that deployments can log in. Returns what still needs a
    person. EngineError if a part fails; the next ones of its host are not begun."""
    blocked = [f"{host.name}: {item.message}" for host in hosts for item in host.plan.problems if item.blocking]
    if blocked:
        hints = [item.hint for host in hosts for item in host.plan.problems if item.blocking]
        raise EngineError("; ".join(blocked), hint=hints[0])
    done: dict[str, PreparedHost] = {}

    def prepare_one(host: PreparedHost) -> None:
        done[host.name] = _prepare(ctx, host)

    attempt_side_by_side(prepare_one, hosts)
    return [done[host.name] for host in hosts]


def hosts_of(environment: Environment) -> list[str]:
    """The remote hosts of an environment. UsageError if it has none."""
    found = [host.name for host in environment.hosts if host.name != LOCAL]
    if not found:
        raise UsageError(
            f"{environment.name} runs on this machine only", hint="add `hosts` to it, or name a host: ssh://deploy@name"
        )
    return found


def chosen_by(environment: Environment) -> dict[str, Any]:
    """The ports that the environment's url needs, and the addresses of accessories that its other hosts reach."""
    ports = {f"{environment.port}/tcp"}
    if environment.scheme == "https":
        ports |= {"80/tcp", f"{environment.port}/udp"}
    return {
        "more_ports": tuple(sorted(ports)),
        "more_private": tuple(sorted({host.address for host in environment.hosts if host.address})),
    }


def _identify(name: str, setup: HostSetup, trust: Ask) -> None:
    key = setup.offered_key()
    if not trust(name, key):
        raise EngineError(
            f"{name} is not trusted: its {key.kind} key is {key.fingerprint}",
            hint="compare it with the key that your provider shows, then pass --accept-key FINGERPRINT",
        )
    if not key.known:
        setup.trust(key)


def _examine(name: str, setup: HostSetup, user: str, keys: tuple[str, ...], chosen: Mapping[str, Any]) -> PreparedHost:
    login = setup.login()
    state = setup.observe(user or login.user)
    goal = goal_of(user or login.user, keys or login.keys, chosen, state.recorded)
    return PreparedHost(name, setup, goal, decide(goal, state))


def _prepare(ctx: Context, host: PreparedHost) -> PreparedHost:
    for change in host.plan.changes:
        with ctx.part(f"{change.title} on {host.name}"):
            host.setup.apply(change.part, host.goal)
    after = decide(host.goal, host.setup.observe(host.goal.user))
    if after.changes:
        parts = ", ".join(f"{item.part} ({'; '.join(item.details)})" for item in after.changes)
        raise EngineError(
            f"{host.name}: still differs after it was prepared: {parts}", hint="look for what changes it on the host"
        )
    if not {"user", "engine"} & {*host.goal.without}:
        ctx.connect(host.name).runtime.ping()
    return replace(host, plan=after)
