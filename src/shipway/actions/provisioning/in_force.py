"""The environment as the rules in force have it. What a command does on the operator's machine, and to whom it sends a key,
is never decided by a commit that isn't on the protected branch."""

from __future__ import annotations

from collections.abc import Callable

from shipway.actions.environment.environments import KnownApp
from shipway.actions.projects.in_force import read_rules
from shipway.actions.projects.plans import ParsePlan
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import GateRefused, SecretError
from shipway.domain.plan import Environment, Plan
from shipway.domain.rules import ACCEPTED
from shipway.domain.value import dataclass
from shipway.system.git import Repository


@dataclass(frozen=True)
class Governed:
    """An environment of the plan that the rules in force have for it."""

    ctx: Context
    plan: Plan
    environment: Environment
    source: str  # origin of the plan, for messages
    revision: str  # of the protected branch; "" if the plan isn't that of the branch
    shown: str  # the environment's present name
    files: Callable[[], Repository]  # with the files of that revision


def governed(ctx: Context, known: KnownApp, parse: ParsePlan, environment: str) -> Governed:
    """The environment as on the protected branch, or as accepted in its place. GateRefused if it has none: a plan that stands
    in for it until then may be that of any commit. Registers nothing."""
    own, name = known.ctx, known.kept(environment)
    repository = own.repository()
    book = read_rules(own, repository, known.any_plan(), parse, record=False)
    rules = book.of(own, name).protected
    branch, file = book.registration.branch, book.registration.plan
    why = rules.problem or ("" if rules.rules else f"{rules.source} has no environment {known.shown(name)}")
    if not why and not rules.source.startswith(ACCEPTED) and book.origin.text(branch, file) is None:
        why = f"the protected branch {branch} of {book.origin.address} has no {file}"
    if rules.plan is None or rules.rules is None or why:
        raise GateRefused(
            f"{known.shown(name)}: {why}",
            hint=f"hosts, DNS and infrastructure are as on the protected branch: merge the plan to {branch}, and run the command again",
        )
    revision = book.origin.refs().branches().get(branch, "")
    _report_other(own, known, rules.rules, name, rules.source)
    return Governed(
        own,
        rules.plan,
        rules.rules,
        rules.source,
        revision,
        known.shown(name),
        lambda: Repository(book.origin.repository_of(branch)),
    )


def _report_other(ctx: Context, known: KnownApp, rules: Environment, name: str, source: str) -> None:
    """Say that the working tree has other settings, which don't count."""
    here = known.plan.environments.get(name) if known.plan else None
    if here is None:
        return
    differ = [
        key
        for key in ("dns", "infra", "hosts", "url", "aliases", "domains", "redirects")
        if getattr(here, key) != getattr(rules, key)
    ]
    if differ:
        ctx.reporter.note(
            f"the plan of this folder has other {', '.join(differ)}, which are not used: those of {source} are"
        )


def secret_values(of: Governed, wanted: dict[str, str], use: str) -> dict[str, str]:
    """Values of secrets of the environment by what they are for (wanted: their names). SecretError lists those that are
    missing."""
    scope = names.scope(of.plan.app, of.environment.name)
    found = {key: of.ctx.secrets.get(scope, name) for key, name in wanted.items()}
    if missing := sorted({wanted[key] for key, value in found.items() if value is None}):
        raise SecretError(
            f"{use} of {of.shown} needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not set",
            hint="; ".join(f"shipway secret set {of.shown} {name}" for name in missing),
        )
    values = {key: value for key, value in found.items() if value is not None}
    of.ctx.redactor.add({wanted[key]: value for key, value in values.items()})
    return values
