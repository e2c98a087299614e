"""What a deployment waits for besides approvals: the end of the hold that follows a rollback, and of a freeze."""

from __future__ import annotations

from datetime import datetime

from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.ended import ended
from shipway.context import Context
from shipway.domain.gate import told_apart
from shipway.domain.plan import Environment
from shipway.domain.release import ROLLBACK, SUCCEEDED, Evidence
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.value import dataclass
from shipway.domain.waiting import Hold, Waiting, in_force
from shipway.system.cron import zone
from shipway.system.durations import timestamp
from shipway.system.freezes import frozen as in_freeze

HOTFIX = "hotfix"  # kind of the evidence that marks one
SINCE = "; a hotfix, since "  # in the reason of its deployment


@dataclass(frozen=True)
class Asked:
    """What a person who asks for a deployment overrides. A push overrides nothing."""

    resume: bool = False  # a person deploys despite the hold, and ends it
    despite_freeze: str = ""  # why a person deploys despite a freeze
    hotfix: str = ""  # why a person skips the environment where releases are validated


def hold_of(ctx: Context, app: str, environment: str) -> Hold | None:
    """The hold in force."""
    records = ctx.ledger.holds(app, environment)
    return in_force(records, ended(ctx, app, environment)) if records else None


def hold_text(hold: Hold, shown: str) -> str:
    """What is on hold, who did it, when and why."""
    return f"automatic deployment to {shown} is on hold: {hold_cause(hold)}"


def hold_cause(hold: Hold) -> str:
    """Who did it, when and why."""
    by = f"{hold.actor} rolled back release {hold.release} at {timestamp(hold.at)}"
    return f"{by}: {' '.join(hold.reason.split())}"


def hold_after_rollback(
    ctx: Context, app: str, environment: str, release: int, reason: str, *, actor: str | None = None
) -> None:
    """Hold automatic deployment, since that release is rolled back. actor: who decided it; None: whose command this is."""
    ctx.ledger.add_hold(Hold(app, environment, True, release, actor or ctx.actor, reason or ROLLBACK, ctx.clock()))
    shown = ctx.names.shown(app, environment)
    ctx.reporter.note(f"automatic deployment to {shown} is on hold from now on: shipway resume {shown} ends that")


def end_hold(ctx: Context, app: str, environment: str, reason: str) -> bool:
    """Whether there was one."""
    if hold_of(ctx, app, environment) is None:
        return False
    ctx.ledger.add_hold(Hold(app, environment, False, 0, ctx.actor, reason, ctx.clock()))
    return True


def held(ctx: Context, app: str, environment: str, shown: str, asked: Asked) -> list[str]:
    """The reason against a deployment during a hold."""
    found = None if asked.resume else hold_of(ctx, app, environment)
    return [hold_text(found, shown)] if found else []


def settle(ctx: Context, order: DeployRequest) -> None:
    """Under the environment's lock, after a deployment: one that waited for the same has no use any more, and a hold that a
    person deployed despite of is over."""
    found = ctx.ledger.waiting(order.release.app, order.environment.name)
    if found is not None and found.release == order.release.number:
        ctx.ledger.end_waiting(found, SUCCEEDED, "", recorded=False)
    if order.resume:
        end_hold(ctx, order.release.app, order.environment.name, f"release {order.release.number} was deployed")


def frozen(ctx: Context, in_force: InForce, asked: Asked) -> tuple[list[str], float | None]:
    """The reasons against a deployment now, by each rule set, and when the last freeze ends; None: there is none."""
    if asked.despite_freeze:
        return [], None
    now, ends = ctx.ledger.now(), list[float]()

    def refused(item: RuleSet, environment: Environment) -> list[str]:
        found = in_freeze(environment.freeze, now) if environment.freeze else None
        if found is None:
            return []
        freeze, until = found
        ends.append(until)
        local = datetime.fromtimestamp(until, zone(freeze.zone))
        return [f"{in_force.called} is frozen until {local:%Y-%m-%d %H:%M %Z} ({freeze.text})"]

    reasons = told_apart(in_force, refused)
    return reasons, max(ends, default=None)


def mark_hotfix(ctx: Context, order: DeployRequest) -> None:
    """For ever, before it is deployed."""
    release, name = order.release, order.environment.name
    ctx.ledger.add_evidence(
        Evidence(release.app, release.number, name, HOTFIX, ctx.actor, True, order.hotfix, ctx.clock())
    )


def hotfix_of(ctx: Context, app: str, environment: str, release: int) -> str:
    """Why a release skipped the environment where releases are validated; empty: it didn't."""
    found = (
        item.detail
        for item in ctx.ledger.evidence(app, release)
        if (item.kind, item.environment) == (HOTFIX, environment)
    )
    return next(found, "")


def mark(ctx: Context, app: str, environment: str, release: int) -> str:
    """Of all that people have decided there about a release: another one means that it is to be judged again."""
    ledger, current = ctx.ledger, ctx.ledger.current(app, environment)
    return ", ".join([
        f"{len(ledger.approvals(app, environment, release))} approvals", f"{len(ledger.holds(app, environment))} holds",
        f"{len(ledger.accepted_rules(app, environment))} accepted rules", f"deployment {current.id if current else 0}",
    ])  # fmt: skip


def mark_of(ctx: Context, waiting: Waiting) -> str:
    """The same for one that waits."""
    return mark(ctx, waiting.app, waiting.environment, waiting.release)
