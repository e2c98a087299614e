"""Decide on a deployment: observe, ask the migration tool, and compute the changeset."""

from __future__ import annotations

from dataclasses import dataclass, field

from shipway.actions.observe import observe, settings
from shipway.actions.oneoff import database_tool
from shipway.context import Context
from shipway.domain import rollback as back
from shipway.domain.change import Changeset
from shipway.domain.errors import UsageError
from shipway.domain.observed import Observed, Wanted
from shipway.domain.plan import Environment
from shipway.domain.reconcile import reconcile
from shipway.domain.release import DEPLOY, ROLLBACK, Deployment, Release
from shipway.domain.specify import Settings, specify
from shipway.ports import DatabaseTool


@dataclass(frozen=True)
class Order:
    """What is asked for: this release, into this environment, for this reason."""

    release: Release
    environment: Environment
    kind: str = DEPLOY  # or ROLLBACK
    reason: str = ""
    version: str | None = None  # the tag that makes the release a version
    like: Deployment | None = None  # use the secrets' versions of this deployment
    force: bool = False
    wait: float = 0.0  # seconds to wait for another owner's lease


@dataclass(frozen=True)
class Decision:
    """What deciding came to; everything that applying needs."""

    order: Order
    settings: Settings
    wanted: Wanted
    observed: Observed
    changeset: Changeset
    previous: Deployment | None  # the environment's last good deployment
    tool: DatabaseTool | None = field(repr=False)  # of the newer of both releases


def decide(ctx: Context, order: Order, *, create: bool = True) -> Decision:
    """Observe and decide. create=False touches nothing at all: for a dry run."""
    release, environment = order.release, order.environment
    own = settings(ctx, release, environment, version=order.version, like=order.like, create=create)
    observed = observe(ctx, release.app, environment.name)
    history = back.standing(ctx.ledger.deployments(release.app, environment.name))
    previous = back.current(history)
    up: tuple[str, ...] = ()
    down: tuple[str, ...] | None = None
    tool = None
    # The tool costs a container a call: asked only where the ledger doesn't say that the schema is the right one.
    settled = previous is not None and history[0].schema == previous.schema == release.schema
    if release.plan.database and not (settled and observed.accessories):
        newer = _newer(ctx, order, previous)
        tool = database_tool(ctx, newer, environment, own)
        if newer is release:
            up = _pending(ctx, order, observed, tool)
        elif previous and previous.schema != release.schema:
            down = (f"{previous.schema} → {release.schema}",)
    seed = order.kind == DEPLOY
    wanted = specify(release, environment, own, up=up, down=down, seed=seed, keep=back.left(history, release.number))
    return Decision(order, own, wanted, observed, reconcile(wanted, observed), previous, tool)


def refuse_danger(decision: Decision) -> None:
    """A dangerous change needs --force."""
    dangerous = [change for change in decision.changeset.changes if change.dangerous]
    if dangerous and not decision.order.force:
        listed = "\n".join(f"  {change.verb} {change.name}: {change.cause}" for change in dangerous)
        raise UsageError(f"refused, since it would interrupt {decision.wanted.environment}:\n{listed}",
                         hint="say --force where that is meant")  # fmt: skip


def _newer(ctx: Context, order: Order, previous: Deployment | None) -> Release:
    """The release whose image has all migration scripts: for a rollback the one that is left."""
    if order.kind == ROLLBACK and previous:
        return ctx.ledger.release(order.release.app, previous.release) or order.release
    return order.release


def _pending(ctx: Context, order: Order, observed: Observed, tool: DatabaseTool | None) -> tuple[str, ...]:
    database = order.release.plan.database
    assert database is not None
    assert tool is not None
    running = any(item.running and item.labels.get("shipway.name") == database.accessory for item in observed.accessories)
    if running:
        return tuple(tool.pending())
    return (f"all up to {order.release.schema}",) if order.release.schema else ()
