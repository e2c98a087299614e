"""Many secrets of an environment at once: which are set, used and missing; from and to a file; from another environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.actions.environment.observe import needed
from shipway.actions.environment.secret_names import misfit, provider_of, users_of
from shipway.context import Context
from shipway.domain import dotenv, names, rights
from shipway.domain.count import counted
from shipway.domain.errors import GateRefused, SecretError, UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.secret_source import NEVER, Origin, SecretSource, set_by_person, since
from shipway.domain.secret_value import provider_for
from shipway.domain.value import dataclass

OWN = ":"  # in the names of Shipway's own secrets, such as accessory:db


@dataclass(frozen=True)
class SecretState:
    """One name of an environment."""

    name: str
    version: int | None  # None: it is not set
    used_by: tuple[str, ...]  # services, accessories, the seed; of the plan, and of the releases that run
    optional: bool = False  # whether all that use it start without it
    source: str = ""  # the provider whose values are used; empty: the ledger
    source_version: str = ""  # the provider's own version of the newest copy
    since: float | None = None  # seconds since the epoch: since when the value is known; None: not recorded

    @property
    def missing(self) -> bool:
        """Whether it is needed, but not set; of a provider, the next deployment finds out."""
        return self.version is None and not self.optional and not self.source


@dataclass(frozen=True)
class Import:
    """What a file would set in an environment."""

    values: Mapping[str, str]  # new ones and changed ones
    same: tuple[str, ...]  # set to this value already
    unused: tuple[str, ...]  # which the plan doesn't use: not among the values unless all are wanted
    blank: tuple[str, ...]  # names without a value, which are not set
    references: tuple[str, ...]  # names whose value names another variable, which is not replaced
    missing: tuple[str, ...] = ()  # needed, and then still not set


def secret_states(ctx: Context, plan: Plan, environment: str) -> list[SecretState]:
    """All names that are set or used, by name; Shipway's own last."""
    known, open_to_all = dict(ctx.secrets.names(names.scope(plan.app, environment))), dict[str, int]()
    if environment == names.BUILDS:
        open_to_all = dict(ctx.secrets.names(names.scope(plan.app, names.ANY_BRANCH)))
        known = {**open_to_all, **known}
    wanted = set(needed(plan, plan.environments[environment])) if environment in plan.environments else set()
    wanted |= set(plan.prove.secrets) if environment == names.PROOFS else set()
    wanted |= set(rights.of_builds(plan)) if environment == names.BUILDS else set()
    running = _running(ctx, plan.app, environment)
    wanted |= {name for release, where in running for name in needed(release, where)}
    places = [(plan, plan.environments[environment]), *running] if environment in plan.environments else running
    wanted |= {name for _, where in places for name in (where.backups.secrets if where.backups else ())}
    required = {name for one, where in places for name in needed(one, where, optional=False)} | set(plan.prove.secrets)
    required |= set(rights.of_builds(plan)) if environment == names.BUILDS else set()
    origins = ctx.secrets.origins(names.scope(plan.app, environment))
    place = plan.environments.get(environment)
    return [
        SecretState(
            name,
            known.get(name),
            ("Shipway",)
            if OWN in name
            else (*users_of(ctx, plan, environment, name), *(["every branch"] * (name in open_to_all))),
            name in wanted and name not in required,
            *_origin(
                known.get(name), provider_for(place, name) if place and name in wanted else None, origins.get(name, ())
            ),
        )
        for name in sorted({*known, *wanted}, key=lambda name: (OWN in name, name))
    ]


def _origin(
    version: int | None, source: SecretSource | None, origins: Sequence[Origin]
) -> tuple[str, str, float | None]:
    """Provider, its version, and since when the value is known."""
    own = [item for item in origins if item.version == version]
    by_person = set_by_person(origins, version) and (source is None or source.ledger != NEVER)
    text = source.text if source and not by_person else ""
    return text, own[-1].source_version if own and text else "", since(own, version) if version else None


def _running(ctx: Context, app: str, environment: str) -> list[tuple[Plan, Environment]]:
    current = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, current.release) if current else None
    where = release.plan.environments.get(environment) if release else None
    return [(release.plan, where)] if release and where else []


def read_import(ctx: Context, plan: Plan, environment: Environment, text: str, *, every: bool) -> Import:
    """Check a file of variables. every: also those that the plan doesn't use. SecretError lists all lines and values that
    are wrong: then nothing is set."""
    found = dotenv.parse(text)
    problems = list(found.problems)
    scope, used = names.scope(plan.app, environment.name), set(needed(plan, environment))
    known = ctx.secrets.names(scope)
    values, same, unused, blank, references = dict[str, str](), list[str](), list[str](), list[str](), list[str]()
    for item in found.found:
        if item.name not in used:
            unused.append(item.name)
        if item.name not in used and not every:
            continue
        if not item.value.strip():
            blank.append(item.name)
            continue
        if source := provider_of(plan, environment.name, item.name):
            problems.append(f"line {item.line}: {item.name} comes from {source.text}")
        if why := misfit(ctx.kinds, plan, environment.name, item.name, item.value):
            problems.append(f"line {item.line}: {why}")
        references += [item.name] if item.reference else []
        if item.name in known and ctx.secrets.get(scope, item.name) == item.value:
            same.append(item.name)
        else:
            values[item.name] = item.value
    if problems:
        listed = "\n".join(f"  {text}" for text in problems)
        raise SecretError(f"nothing was set, since the file has {counted(len(problems), 'problem')}:\n{listed}")
    missing = [name for name in needed(plan, environment, optional=False) if name not in {**known, **values}]
    return Import(values, tuple(same), tuple(unused), tuple(blank), tuple(references), tuple(missing))


def set_all(ctx: Context, app: str, environment: str, values: Mapping[str, str]) -> None:
    """Set checked values."""
    for name, value in values.items():
        ctx.secrets.set(names.scope(app, environment), name, value)


def export(ctx: Context, app: str, environment: str, chosen: Sequence[str] = ()) -> str:
    """The values as lines of a file; without `chosen`, all but Shipway's own. SecretError if one can't be a line,
    UsageError if one is not set."""
    scope = names.scope(app, environment)
    known = [name for name in ctx.secrets.names(scope) if OWN not in name]
    if unknown := [name for name in chosen if name not in known]:
        listed = ", ".join(known) or "none"
        raise UsageError(f"not set for {environment}: {', '.join(unknown)}", hint=f"set there: {listed}")
    lines, binary = list[str](), list[str]()
    for name in chosen or known:
        try:
            lines.append(dotenv.render(name, ctx.secrets.get(scope, name) or ""))
        except ValueError:
            binary.append(name)
    if binary:
        rest = [name for name in chosen or known if name not in binary]
        raise SecretError(
            f"a line of text can't hold the bytes of {', '.join(binary)}",
            hint=f"name the others: shipway secret export {environment} {' '.join(rest)}" if rest else "",
        )
    return "".join(f"{line}\n" for line in lines)


def to_copy(
    ctx: Context, app: str, source: str, target: str, chosen: Sequence[str] = (), *, again: bool = False
) -> list[str]:
    """Names that are set for one environment and not for another; again: also those that are set for both. UsageError if
    a chosen one isn't set for the first."""
    known = [name for name in ctx.secrets.names(names.scope(app, source)) if OWN not in name]
    there = ctx.secrets.names(names.scope(app, target))
    if unknown := [name for name in chosen if name not in known]:
        raise UsageError(f"not set for {source}: {', '.join(unknown)}", hint=f"set there: {', '.join(known) or 'none'}")
    return [name for name in chosen or known if again or name not in there]


def require_copy(ctx: Context, source: tuple[Plan, Environment], target: tuple[Plan, Environment]) -> None:
    """GateRefused if the target's releases need fewer approvals than the source's: its values would reach code without
    these approvals. The rules are those of the given plans and of the releases that run."""
    needs = max(_approvals(ctx, *source))
    given = min(_approvals(ctx, *target))
    if given < needs:
        raise GateRefused(
            f"values of {source[1].name} (approvals: {needs}) were not copied to {target[1].name} (approvals: {given}): code "
            "without these approvals could read them",
            hint="copy the names only, without --values; or pass --force",
        )


def copy_values(ctx: Context, app: str, source: str, target: str, chosen: Sequence[str]) -> None:
    """Copy the newest values."""
    for name in chosen:
        value = ctx.secrets.get(names.scope(app, source), name)
        assert value is not None, name
        ctx.secrets.set(names.scope(app, target), name, value)


def _approvals(ctx: Context, plan: Plan, environment: Environment) -> list[int]:
    current = ctx.ledger.current(plan.app, environment.name)
    release = ctx.ledger.release(plan.app, current.release) if current else None
    running = release.plan.environments.get(environment.name) if release else None
    return [item.approvals.count for item in (environment, running) if item is not None]
