"""Bring about what is wanted of previews. Whatever a process that died has left, the next one completes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from shipway.actions.deployments.admission import admitted
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.waits import Asked
from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.locks import environment_lease, fenced, held, is_held
from shipway.actions.messages.news import report
from shipway.actions.previews.clone import clone
from shipway.actions.previews.secrets import provide, remove
from shipway.actions.previews.sleeping import awake, end_page, is_restless, tend
from shipway.actions.previews.view import preview_of
from shipway.actions.projects.in_force import Rulebook, read_rules, running_rules
from shipway.actions.projects.plans import ParsePlan, of_plan, plan_at
from shipway.actions.runs.run import build
from shipway.actions.upkeep.destroy import destroy
from shipway.context import Context
from shipway.domain import names
from shipway.domain.count import counted
from shipway.domain.errors import (
    GateRefused,
    Interrupted,
    LeaseHeld,
    PreviewFull,
    RepositoryError,
    ShipwayError,
    StoreError,
)
from shipway.domain.outbox import PULL
from shipway.domain.plan import Plan
from shipway.domain.preview import CLOSED, OPEN, Preview, derived
from shipway.domain.previews import Previews
from shipway.domain.refs import HEADS
from shipway.domain.release import DESTROY, FAILED, PREVIEW, Commit, Trigger
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.value import dataclass
from shipway.proving.sandbox import clean_up
from shipway.system.git import Repository

WAIT = 600.0  # seconds for another command in the environment of the preview
AWAY = (Interrupted, LeaseHeld, RepositoryError, StoreError)  # it is tried again
PLACE = -1  # in place of a release: it has none yet, but counts as one that stands
Opened = Callable[[Preview], Repository]  # the app's commits


def lock_of(preview: Preview) -> str:
    """The lock of whoever works on it."""
    return f"{names.scope(preview.app, preview.environment)}/preview"


def sources(known: KnownApp, recorded: Callable[[Context, str], Repository]) -> Opened:
    """Those of an app: a checkout's, if it has the commit; else of its recorded repository."""

    def opened(preview: Preview) -> Repository:
        try:
            repository = known.ctx.repository()
            if repository.has(preview.head):
                return repository
        except RepositoryError:
            pass
        return recorded(known.ctx, known.name)

    return opened


def due(ctx: Context, app: str | None = None) -> list[Preview]:
    """Those for which something is to be done, whatever visitors do, and that no process works on. One whose commit was just
    pushed waits until that push was run: then its checks need not run twice."""
    now = ctx.ledger.now()
    found = [item for item in ctx.ledger.previews(app) if _is_due(item, now)]
    if not found:
        return []
    pushed = {(push.ref, push.new) for push in ctx.ledger.pushes(1000, open=True)}
    return [
        item for item in found
        if (item.wanted == CLOSED or not any(ref == f"{HEADS}{item.branch}" and new.startswith(item.head) for ref, new in pushed))
        and not is_held(ctx.ledger.lease(lock_of(item)), now)
    ]  # fmt: skip


def to_do(ctx: Context, app: str | None = None) -> list[Preview]:
    """Those that are due, those that are to go to sleep, and those that a visitor waits for."""
    found = {(item.app, item.number): item for item in due(ctx, app)}
    for item in ctx.ledger.previews(app):
        if (item.app, item.number) not in found and is_restless(ctx, item):
            found[item.app, item.number] = item
    return list(found.values())


def _is_due(item: Preview, now: float) -> bool:
    return item.wanted == CLOSED or item.done != item.head or 0 < item.ends <= now


def bring_about(ctx: Context, preview: Preview, opened: Opened, parse: ParsePlan, *, force: bool = False) -> None:
    """Do what is wanted of it now. It is forgotten if the protected plan has no previews. LeaseHeld if another process does it.
    What keeps it from being made is recorded and raised; what is away is tried again by the next call. force: wake it too."""
    with fenced(ctx, lock_of(preview), "the preview") as own:
        work = _Work(own, opened, parse)
        while True:
            found = preview_of(own, preview.app, preview.number)
            if found is None or work.do(found, force=force):
                return


def _current(preview: Preview) -> str:
    return f"{preview.wanted} {preview.head}"


@dataclass(frozen=True)
class _Work:
    """What one process does, under the preview's lock."""

    ctx: Context
    opened: Opened
    parse: ParsePlan

    def do(self, preview: Preview, *, force: bool) -> bool:
        """Whether nothing newer is wanted."""
        ctx, now = self.ctx, self.ctx.ledger.now()
        if preview.wanted == OPEN and 0 < preview.ends <= now:
            preview = ctx.ledger.want_preview(
                replace(preview, wanted=CLOSED, actor="shipway", reason="its end date has passed")
            )
        if preview.wanted == CLOSED:
            return self._close(preview)
        if preview.done != preview.head:
            return self._make(preview)
        if not preview.problem:
            tend(ctx, preview, force=force)
        return True

    # close

    def _close(self, preview: Preview) -> bool:
        ctx = self.ctx
        shown = ctx.names.shown(preview.app, preview.environment)
        ctx.reporter.heading(f"close {shown}: {preview.reason or 'no longer wanted'}")
        self._clear(preview)
        clean_up(ctx)  # a process that died may have left a scratch server with data
        remove(ctx, preview.app, preview.environment)
        return ctx.ledger.forget_preview(preview)

    def _clear(self, preview: Preview) -> None:
        """Remove what is there of it but its secrets, whatever has begun to make it."""
        release = self.ctx.ledger.release(preview.app, preview.release) if preview.release > 0 else None
        if release is not None:
            self._settle(preview)
            destroy(self.ctx, release.plan, release.plan.environments[preview.environment], volumes=True)

    def _settle(self, preview: Preview) -> None:
        """Deployments whose process died: nothing is to be completed or rolled back any more."""
        with environment_lease(self.ctx, preview.app, preview.environment, "close", wait=WAIT) as own:
            for item in own.ledger.pending(preview.app, preview.environment):
                if item.kind != DESTROY:
                    own.ledger.end_deployment(
                        item.id, FAILED, own.clock(), None, "its process died, and the preview was closed"
                    )

    # make or update

    def _make(self, preview: Preview) -> bool:
        ctx = self.ctx
        try:
            made = self._made(preview)
        except PreviewFull as error:
            if error.message != preview.problem:
                self._tell(replace(preview, problem=error.message))
            raise
        except AWAY:
            raise
        except ShipwayError as error:
            if why := self._superseded(ctx, preview):
                ctx.reporter.note(f"{preview.environment}: {error.message}; {why}")
                return False
            self._failed(preview, error)
            raise
        if made is None:
            return False
        return self._tell(made)

    def _failed(self, preview: Preview, error: ShipwayError) -> None:
        """What was deployed before goes on; where nothing was, nothing stays but secrets, and the place is free."""
        ctx = self.ctx
        found = preview_of(ctx, preview.app, preview.number)
        assert found is not None  # only who has its lock forgets it
        ends = found.ends or ctx.ledger.now() + Previews("", "").keep
        problem = error.message if not error.hint else f"{error.message}; {error.hint}"
        if ctx.ledger.current(preview.app, preview.environment) is None:
            with suppress(ShipwayError):
                self._clear(found)
                found = replace(found, release=0)
        self._tell(replace(found, done=preview.head, problem=problem, ends=ends))

    def _tell(self, preview: Preview) -> bool:
        """Record it, and let the pull request's comment follow."""
        recorded = self.ctx.ledger.record_preview(preview)
        if recorded:
            report(self.ctx, PULL, preview.app, "", preview.number, preview.head)
        return recorded

    def _made(self, preview: Preview) -> Preview | None:
        """None: something newer is wanted."""
        ctx, app, name = self.ctx, preview.app, preview.environment
        repository = self.opened(preview)
        commit, plan, book = self._read(repository, preview)
        if book.plan is not None and book.plan.previews is None and not preview.release:
            ctx.ledger.forget_preview(preview)  # who told of the pull request knows no plan
            return None
        previews, rules = _settings(ctx, book)
        if previews.like not in plan.environments:
            raise GateRefused(
                f"the plan of {commit.revision[:12]} has no environment {previews.like}, which previews copy"
            )
        if not preview.release:
            preview = self._with_room(preview, previews)
        own = derived(plan, previews, preview.number)
        where = own.environments[name]
        provide(ctx, own, where, derived(rules, previews, preview.number).environments[name], previews)
        ref = f"{HEADS}{preview.branch}" if preview.branch else commit.revision
        ctx.reporter.heading(f"preview {ctx.names.shown(app, name)}: {commit.revision[:12]} {commit.subject!r}")
        number = build(
            ctx, repository, commit, own, Trigger(PREVIEW, ref, preview.actor), self._in_force(book, rules, previews, preview), book
        )  # fmt: skip
        book = self._read(repository, preview)[2]  # the rules may have changed meanwhile
        previews, rules = _settings(ctx, book)
        in_force = self._in_force(book, rules, previews, preview)
        order = admitted(ctx, commit, app, book, in_force, ref, Asked(resume=True))  # a push comes after any rollback
        order = replace(
            order, wait=WAIT, force=True, superseded=lambda own: self._superseded(own, preview),
            reason=f"pull request {preview.number}, {order.reason}",
        )  # fmt: skip
        found = replace(preview, release=order.release.number)
        if not ctx.ledger.record_preview(found):  # before anything is there: then it is known what is to be removed
            return None
        if previews.source is not None and ctx.ledger.current(app, name) is None:
            clone(ctx, order, rules, previews)
        deploy(ctx, order)
        if self._superseded(ctx, preview):
            return None
        end_page(ctx, found)  # it may have slept
        ctx.reporter.note(f"{name} of run {number}: {order.environment.url}")
        ends = ctx.ledger.now() + previews.keep
        return replace(awake(ctx, found), done=preview.head, problem="", ends=ends, sleep=previews.sleep)

    def _read(self, repository: Repository, preview: Preview) -> tuple[Commit, Plan, Rulebook]:
        registration = self.ctx.ledger.registration(preview.app)
        if not repository.has(preview.head):
            raise GateRefused(
                f"{preview.head[:12]} is not in the repository: another commit was pushed in its place",
                hint=f"shipway preview open {preview.number} REVISION",
            )
        commit = repository.commit(preview.head)
        plan = plan_at(repository, commit, self.parse, registration.plan if registration else None)
        if plan.app != preview.app:
            raise GateRefused(f"the plan of {commit.revision[:12]} is of the app {plan.app}, not of {preview.app}")
        return of_plan(repository, commit, plan), plan, read_rules(self.ctx, repository, plan, self.parse)

    def _in_force(self, book: Rulebook, rules: Plan, previews: Previews, preview: Preview) -> InForce:
        """As of every environment: the protected plan's, and those of the release that runs there."""
        app, name = preview.app, preview.environment
        protected = RuleSet(book.source, "protected", name, derived(rules, previews, preview.number))
        return InForce(name, protected, running_rules(self.ctx, app, name), self.ctx.names.shown(app, name))

    def _superseded(self, ctx: Context, preview: Preview) -> str:
        now = preview_of(ctx, preview.app, preview.number)
        if now is not None and _current(now) == _current(preview):
            return ""
        return "the pull request was closed" if now is None or now.wanted == CLOSED else "a newer push follows"

    def _with_room(self, preview: Preview, previews: Previews) -> Preview:
        """The preview with a place, which no other one can take. PreviewFull if there is none."""
        with held(self.ctx, f"{preview.app}/previews", "a place for a preview", wait=WAIT):
            self._make_room(preview, previews)
            found = replace(preview, release=PLACE)
            self.ctx.ledger.record_preview(found)
            return found

    def _make_room(self, preview: Preview, previews: Previews) -> None:
        """Close the one that has slept longest, if there are too many. PreviewFull if none sleeps."""
        known = [item for item in self.ctx.ledger.previews(preview.app) if item.number != preview.number]
        standing = [item for item in known if item.release]
        excess = len(standing) - previews.most + 1
        if excess <= 0:
            return
        sleeping = sorted(
            (item for item in standing if item.asleep or item.wanted == CLOSED), key=lambda item: item.used
        )
        if len(sleeping) < excess:
            listed = ", ".join(item.environment for item in standing)
            raise PreviewFull(
                f"{counted(previews.most, 'preview')} may stand at a time, and none of these sleeps: {listed}",
                hint=f"`shipway preview close NUMBER` makes room for {preview.environment}, which then follows by itself",
            )
        for item in sleeping[:excess]:
            closed = self.ctx.ledger.want_preview(
                replace(item, wanted=CLOSED, actor="shipway", reason=f"it slept, and {preview.environment} needs room")
            )
            with fenced(self.ctx, lock_of(closed), "the preview") as own:
                _Work(own, self.opened, self.parse)._close(closed)
            report(self.ctx, PULL, closed.app, "", closed.number, closed.head)


def _settings(ctx: Context, book: Rulebook) -> tuple[Previews, Plan]:
    """Those of the protected plan, with that plan. GateRefused if it has none."""
    if book.plan is None:
        raise GateRefused(f"there are no rules for previews: {book.problem}")
    if book.plan.previews is None:
        raise GateRefused(
            f"the plan of {book.source} has no `previews`", hint="add the key on the protected branch: docs/previews.md"
        )
    return book.plan.previews, book.plan
