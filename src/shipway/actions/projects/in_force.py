"""Read the rules in force: the protected plan at the recorded address, and the plans of the current releases."""

from __future__ import annotations

import dataclasses

from shipway.actions.projects.plans import ParsePlan
from shipway.actions.projects.register import is_own, registered
from shipway.context import Context
from shipway.domain import refs, rules
from shipway.domain.errors import PlanError
from shipway.domain.history import runs_since
from shipway.domain.plan import Plan
from shipway.domain.registration import STAND_IN, AcceptedRules, Registration
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.value import dataclass
from shipway.system.git import Repository
from shipway.system.origin import Origin

ENDED = "ended"  # among what a stand-in replaces: it no longer applies


@dataclass(frozen=True)
class Rulebook:
    """The recorded repository's rules for one app."""

    registration: Registration
    origin: Origin
    plan: Plan | None  # the protected one, or its stand-in
    source: str  # origin for messages
    problem: str = ""  # why there is none
    record: bool = True  # record findings such as ended accepted rules; False: for read-only commands

    @property
    def has_remote(self) -> bool:
        """Whether the rules are read from a remote that commits are pushed to."""
        return not is_own(self.origin)

    def written(self, ctx: Context, environment: str) -> InForce:
        """The rules for an environment as written in the two plans."""
        protected = RuleSet(self.source, "protected", environment, self.plan, self.problem)
        running = running_rules(ctx, self.registration.app, environment)
        return InForce(environment, protected, running, ctx.names.shown(self.registration.app, environment))

    def of(self, ctx: Context, environment: str) -> InForce:
        """The rules in force for an environment, with accepted rules in place of those that they replace."""
        app, found = self.registration.app, self.written(ctx, environment)
        decisions = ctx.ledger.accepted_rules(app, environment)
        if rules.is_outdated(found.protected, decisions):
            if self.record:
                reason = f"{self.source} has other rules now"
                ctx.ledger.accept_rules(
                    AcceptedRules(app, environment, decisions[-1].plan, (), "shipway", reason, ctx.clock())
                )
            decisions = []
        running = rules.accepted(found.running, decisions) if found.running else None
        return dataclasses.replace(found, protected=rules.accepted(found.protected, decisions), running=running)

    def triggered(self, ctx: Context, plan: Plan, ref: str) -> InForce | None:
        """The environment that a push of this ref deploys by the rules in force, with its rules; None: none. One whose
        rules all match comes before one with only some that match, as after a branch moved to another environment."""
        names = dict.fromkeys([*(self.plan.environments if self.plan else ()), *plan.environments])
        waiting = [
            (found, [refs.fits(own.trigger, ref) for _, own in found.environments])
            for found in (self.of(ctx, name) for name in names)
        ]
        for enough in (all, any):
            for found, fits in waiting:
                if fits and enough(fits):
                    return found
        return None


def read_rules(
    ctx: Context,
    repository: Repository,
    plan: Plan,
    parse: ParsePlan,
    *,
    protected: str | None = None,
    record: bool = True,
) -> Rulebook:
    """The rules of the app in a commit's plan; registers the app if needed. RepositoryError if the recorded address is
    unreachable, GateRefused if the app is bound to another repository. record=False: writes nothing, and reads an
    unregistered app as its next run would register it."""
    first = None if record or ctx.ledger.registration(plan.app) else plan  # the plan that would stand in
    registration, origin = registered(ctx, repository, plan, parse, protected=protected, record=record)
    branch = registration.branch
    text = origin.text(branch, registration.plan)
    if text is not None:
        if record:
            _end_stand_in(ctx, registration)
        source = f"{branch} at {origin.refs().branches()[branch][:12]}"
        try:
            found = parse(text, registration.plan, lambda path: True)
        except PlanError as error:
            return Rulebook(
                registration, origin, None, source, f"its {registration.plan} is not valid: {error.message}", record
            )
        other = f"its {registration.plan} has `app: {found.app}`" if found.app != plan.app else ""
        return Rulebook(registration, origin, None if other else found, source, other, record)
    stand_in = _stand_in(ctx, registration)
    if stand_in is not None or first is not None:
        return Rulebook(
            registration,
            origin,
            stand_in.plan if stand_in else first,
            f"the first plan, until {branch} has one",
            record=record,
        )
    missing = (
        f"{origin.address} has no branch {branch}"
        if branch not in origin.refs().branches()
        else f"{branch} has no {registration.plan}"
    )
    return Rulebook(registration, origin, None, branch, missing, record)


def _stand_in(ctx: Context, registration: Registration) -> AcceptedRules | None:
    """The first plan of this registration, as long as the protected branch never had one."""
    found = ctx.ledger.accepted_rules(registration.app, STAND_IN)
    return found[-1] if found and found[-1].at >= registration.at and ENDED not in found[-1].replaces else None


def _end_stand_in(ctx: Context, registration: Registration) -> None:
    """The protected branch has a plan: from now on, a missing one is reported."""
    found = _stand_in(ctx, registration)
    if found is not None:
        ended = dataclasses.replace(
            found, replaces=(ENDED,), actor="shipway", reason=f"{registration.branch} has a plan", at=ctx.clock()
        )
        ctx.ledger.accept_rules(ended)


def running_rules(ctx: Context, app: str, environment: str) -> RuleSet | None:
    """The rules of the release that runs there; None without one. Their key changes with the release that runs, so that
    a rollback doesn't restore what was accepted while the release ran before."""
    since = runs_since(ctx.ledger.history(app, environment))
    release = ctx.ledger.release(app, since.release) if since else None
    if since is None or release is None:
        return None
    name = f"release {release.number}"
    return RuleSet(f"{name}, which runs there", f"{name} since deployment {since.id}", environment, release.plan)
