"""What a deployment waits for besides approvals: the end of the hold that follows a rollback."""

from __future__ import annotations

from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.ended import ended
from shipway.context import Context
from shipway.domain.release import ROLLBACK, SUCCEEDED
from shipway.domain.value import dataclass
from shipway.domain.waiting import Hold, Waiting, in_force
from shipway.system.durations import timestamp


@dataclass(frozen=True)
class Asked:
    """How a deployment was asked for, and what whoever asks overrides."""

    automatic: bool = False  # by a push, now or when it has waited
    resume: bool = False  # a person deploys despite the hold, and ends it


def hold_of(ctx: Context, app: str, environment: str) -> Hold | None:
    """The hold in force."""
    records = ctx.ledger.holds(app, environment)
    return in_force(records, ended(ctx, app, environment)) if records else None


def hold_text(hold: Hold, shown: str) -> str:
    """What is on hold, who did it, when and why."""
    by = f"{hold.actor} rolled back release {hold.release} at {timestamp(hold.at)}"
    return f"automatic deployment to {shown} is on hold: {by}: {hold.reason}"


def hold_after_rollback(ctx: Context, app: str, environment: str, release: int, reason: str) -> None:
    """Hold automatic deployment, since that release is rolled back."""
    ctx.ledger.add_hold(Hold(app, environment, True, release, ctx.actor, reason or ROLLBACK, ctx.clock()))


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
