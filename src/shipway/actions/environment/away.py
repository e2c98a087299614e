"""Hosts that can't be reached while their environment's platform goes on without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.context import Context
from shipway.domain.errors import EngineError
from shipway.domain.plan import Environment, Host
from shipway.system.parallel import errors_of, side_by_side


def present(ctx: Context, environment: Environment, hosts: Sequence[Host]) -> list[Host]:
    """The hosts of a platform that answer; EngineError as by `require_expendable` for the others. All of separate hosts."""
    if not environment.placed:
        return [*hosts]
    away: dict[str, EngineError] = {}

    def ask(host: Host) -> None:
        try:
            with errors_of(host.name if len(hosts) > 1 else ""):
                ctx.on(host.name).runtime.ping()
        except EngineError as error:
            away[host.name] = error

    side_by_side(ask, hosts)
    require_expendable(ctx, environment, hosts, away)
    return [host for host in hosts if host.name not in away]


def require_expendable(
    ctx: Context, environment: Environment, hosts: Sequence[Host], away: Mapping[str, EngineError]
) -> None:
    """Raise the first error of a host without which the environment can't be changed: any of separate hosts; of a
    platform that places services itself, the first one, and one whose machine the platform doesn't count as down: what
    runs there may still serve. hosts: all of the environment. away: why each of some can't be reached."""
    if not away:
        return
    first = environment.hosts[0].name
    if not environment.placed:
        raise next(away[host.name] for host in hosts if host.name in away)
    if first in away:
        error = away[first]
        raise EngineError(
            f"{error.message}; {environment.name} can't be changed without its first host, which has its accessories "
            f"and places its services",
            hint="if it is lost for good, list another manager first in `hosts:`; "
            "the data of its accessories is restored from a backup",
        ) from error
    down = ctx.on(first).runtime.down([*away], [host.name for host in hosts])
    for name, error in away.items():
        if name not in down:
            raise EngineError(
                f"{error.message}; {environment.name} can't be changed without it as long as its platform doesn't count "
                f"{name} as down: what runs there may still serve",
                hint="repair the connection to it, or stop its engine; if it is gone for good, remove it from `hosts:`",
            ) from error


def left_out(environment: Environment, host: str, error: EngineError) -> str:
    """A host that is down, for people."""
    return (
        f"{host} is left out, since it is down ({error.message}). Once it is back, the next deployment to "
        f"{environment.name} corrects it, or `shipway doctor {environment.name} --fix`"
    )
