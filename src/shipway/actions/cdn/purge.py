"""Purges of CDNs: recorded before a switch, attempted after it, and again until the provider has accepted them.

A purge never fails what it follows: only the ledger, `status` and `history` tell how it went.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from shipway.actions.cdn.sides import decided, side_of
from shipway.actions.cdn.verify import verify
from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import fenced, is_held
from shipway.actions.environment.observe import settings
from shipway.actions.environment.service_job import service_job
from shipway.context import Context
from shipway.domain import names
from shipway.domain import purge as states
from shipway.domain.cdn import COMMAND, Cdn, Targets, batches
from shipway.domain.errors import CdnError, Interrupted, LeaseHeld, ShipwayError, StoreError
from shipway.domain.plan import Environment
from shipway.domain.purge import Purge
from shipway.domain.record import from_data, to_data
from shipway.domain.release import DEPLOY, FAILED, ROLLBACK, Release
from shipway.ports import CdnAccess, CdnProvider
from shipway.steps.container import run_container

PATIENCE = 30.0  # seconds that a deployment waits for its purge; the rest happens in the background
LATER = 120.0  # seconds that a purge in the background may take at a time
SAVED = 1.0  # seconds of progress that a crash may lose
PAUSE = 1.0  # seconds before the first repetition of a request that failed
TAIL = 5  # lines of a failed command
KINDS = (DEPLOY, ROLLBACK)  # after which another release serves


def record(
    ctx: Context, release: Release, previous: Release | None, environment: Environment, deployment: int, kind: str
) -> None:
    """Record what a switch will require, before it: for each CDN that one of the releases has in front of it. Nothing
    if a process that died has recorded it."""
    if ctx.cdn is None or kind not in KINDS:
        return
    app, name = release.app, environment.name
    if any(item.deployment == deployment for item in ctx.ledger.pending_purges(app, name)):
        return
    before = previous.plan.environments.get(name) if previous else None
    known: dict[str, int] = {}
    for source, place in ((release, environment), (previous, before)):
        if source is not None and place is not None and place.cdn is not None:
            known.setdefault(place.cdn.reach, source.number)
    now = ctx.clock()
    for plan in known.values():
        ctx.ledger.begin_purge(
            Purge(
                0, app, name, deployment, release.number, previous.number if previous else None, plan, ctx.actor,
                f"{kind} of release {release.number}", now, due=now,
            )
        )  # fmt: skip


def reopen(ctx: Context, app: str, environment: str, deployment: int) -> None:
    """Purge again what a deployment has purged, since it is rolled back: caches may have kept the release's answers."""
    pending = ctx.ledger.pending_purges(app, environment)
    over = [item for item in ctx.ledger.purges(app, environment) if item.deployment == deployment and not item.pending]
    if any(item.deployment == deployment for item in pending):
        return
    now = ctx.clock()
    for item in {each.plan: each for each in over}.values():
        targets = ctx.ledger.purge_targets(item.id)
        again = Purge(
            0, app, environment, deployment, item.previous or item.release, item.release, item.plan, ctx.actor,
            f"{item.reason} was rolled back", now, what=item.what if targets else "", due=now,
        )  # fmt: skip
        ctx.ledger.begin_purge(again, targets)


def cancel(ctx: Context, app: str, environment: str, deployment: int) -> None:
    """A deployment has failed before its switch."""
    for item in ctx.ledger.pending_purges(app, environment):
        if item.deployment == deployment:
            ctx.ledger.save_purge(states.needless(item, ctx.clock()))


def purge_now(ctx: Context, app: str, environment: str, deployment: int) -> None:
    """Purge what a deployment requires. What fails stays pending."""
    if ctx.cdn is None:
        return
    for item in ctx.ledger.pending_purges(app, environment):
        if item.deployment == deployment:
            attempt(ctx, item, PATIENCE, strict=True)
    if any(item.deployment == deployment for item in ctx.ledger.pending_purges(app, environment)):
        ctx.retire_later(app, environment)


def retry(ctx: Context, app: str, environment: str) -> float | None:
    """Attempt what is due, and return when to call again (seconds since the epoch); None once nothing is pending. A
    deployment in progress makes its own attempts."""
    pending, now = ctx.ledger.pending_purges(app, environment), ctx.clock()
    if not pending or ctx.cdn is None:
        return None
    if is_held(ctx.ledger.lease(names.scope(app, environment)), ctx.ledger.now()):
        return now + PAUSE
    if any(item.is_due(now) for item in pending):
        with suppress(LeaseHeld), fenced(ctx, names.purges_lock(app, environment), "purges of the CDN") as own:
            for item in own.ledger.pending_purges(app, environment):
                if item.is_due(own.clock()):
                    attempt(own, item, LATER)
    left = ctx.ledger.pending_purges(app, environment)
    return min((max(item.due, now + PAUSE) for item in left), default=None)


def retry_due(ctx: Context, app: str | None = None) -> None:
    """Attempt what is due in all environments, or in one app's. Errors of one don't stop the others."""
    everywhere(ctx, app, partial(retry, ctx))


def attempt(ctx: Context, purge: Purge, patience: float, *, strict: bool = False) -> Purge:
    """Make what progress is possible within this many seconds, and record it. strict: a batch that has begun ends then
    too, and begins again in a later attempt. Raises no error of a CDN."""
    title = f"{purge.environment}: {purge.reason}"
    with ctx.part("purge", title):
        try:
            done = _Attempt(ctx, purge, patience, strict=strict).run()
        except (StoreError, LeaseHeld, Interrupted):
            raise
        except Exception as error:  # the plan, a secret, an image, an engine, a provider's library
            why = error.message if isinstance(error, ShipwayError) else str(error) or type(error).__name__
            done = states.failed(purge, ctx.clock(), why)
        ctx.ledger.save_purge(done)
    _report(ctx, done)
    return done


def _report(ctx: Context, purge: Purge) -> None:
    if purge.pending:
        ctx.reporter.note(
            f"the CDN is not purged yet: {purge.detail}; `shipway tick` tries again, and `shipway status` shows it"
        )
    elif purge.outcome == FAILED:
        ctx.reporter.note(f"the CDN was not purged, and this is given up: {purge.detail}")
    else:
        ctx.reporter.note(f"purged from the CDN: {purge.what}; {purge.verified}")


class _Attempt:
    """One attempt of a purge."""

    def __init__(self, ctx: Context, purge: Purge, patience: float, *, strict: bool) -> None:
        self.ctx, self.purge, self.strict = ctx, purge, strict
        self.deadline = ctx.clock() + patience
        self.saved = ctx.clock()

    def run(self) -> Purge:
        """The purge after it."""
        release, place, cdn = _settings(self.ctx, self.purge)
        provider = provider_of(self.ctx, release, place, cdn, self.deadline if self.strict else None)
        targets = self._targets(cdn, provider)
        if not targets:
            return states.succeeded(self.purge, self.ctx.clock(), targets.why)
        found = batches(targets, provider.capabilities)
        if self.purge.done < len(found):
            for index in range(self.purge.done, len(found)):
                reference = f"shipway-{self.ctx.ledger.identity()[:8]}-{self.purge.id}-{self.purge.rounds}-{index}"
                try:
                    self._persist(partial(provider.purge, found[index], reference))
                except CdnError as error:
                    return states.failed(self.purge, self.ctx.clock(), _words(error), error.retry_after)
                self._progress(index + 1)
            self.purge = replace(self.purge, rounds=self.purge.rounds + 1, finished=self.ctx.clock())
        return self._verified(provider, targets)

    def _targets(self, cdn: Cdn, provider: CdnProvider) -> Targets:
        text = self.ctx.ledger.purge_targets(self.purge.id)
        if text:
            return from_data(Targets, json.loads(text))
        targets = decided(self.ctx, self.purge, cdn, provider.capabilities.most)
        self.ctx.ledger.decide_purge(self.purge.id, json.dumps(to_data(targets)), targets.text)
        self.purge = replace(self.purge, what=targets.text)
        return targets

    def _persist(self, request: Callable[[], object]) -> None:
        """Repeat a request that fails for a moment, as long as there is time; then CdnError."""
        pause = PAUSE
        while True:
            _require_time(self.ctx, self.deadline)
            try:
                request()
                return
            except CdnError as error:
                wait = max(pause, error.retry_after)
                if error.refused or self.ctx.clock() + wait > self.deadline or self.ctx.cancelled.wait(wait):
                    raise
                pause *= 2

    def _progress(self, done: int) -> None:
        self.purge = replace(self.purge, done=done)
        if self.ctx.clock() - self.saved > SAVED:
            self.ctx.ledger.save_purge(self.purge)
            self.saved = self.ctx.clock()

    def _verified(self, provider: CdnProvider, targets: Targets) -> Purge:
        """Ask for a sample; old copies are purged again, once the provider had time to settle."""
        serving = self.ctx.ledger.release(self.purge.app, self.purge.release)
        place = serving.plan.environments.get(self.purge.environment) if serving else None
        side = side_of(self.ctx, self.purge, self.purge.release, None)
        purged = self.purge.finished or self.ctx.clock()
        ended = replace(self.purge, finished=None)
        if serving is None or place is None or side is None:
            return states.succeeded(ended, self.ctx.clock(), "not verified: the release serves no longer")
        fresh, text = verify(self.ctx, provider, targets, serving, place, side, purged)
        now = self.ctx.clock()
        if fresh:
            return states.succeeded(ended, now, text)
        settling = now - purged < provider.settles
        again = ended if settling else replace(ended, done=0)
        later = states.stale(again, now, text, provider.settles)
        return replace(later, finished=purged) if settling and later.pending else later


def _require_time(ctx: Context, deadline: float | None) -> None:
    if deadline is not None and ctx.clock() > deadline:
        raise CdnError("it takes longer than this command waits")


def _words(error: CdnError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _settings(ctx: Context, purge: Purge) -> tuple[Release, Environment, Cdn]:
    """The release whose plan names the CDN, its environment, and the CDN: as a later deployment has it, if it is the same
    one, since that may correct it. CdnError if there is none."""
    now = ctx.ledger.current(purge.app, purge.environment)
    if now is not None and now.id <= (purge.deployment or 0):
        now = None
    found = []
    for number in (purge.plan, now.release if now else purge.plan):
        release = ctx.ledger.release(purge.app, number)
        place = release.plan.environments.get(purge.environment) if release else None
        if release is not None and place is not None and place.cdn is not None:
            found.append((release, place, place.cdn))
    if not found:
        raise CdnError(f"release {purge.plan} names no CDN for {purge.environment}")
    return found[-1] if found[-1][2].reach == found[0][2].reach else found[0]


def provider_of(
    ctx: Context, release: Release, environment: Environment, cdn: Cdn, deadline: float | None = None
) -> CdnProvider:
    """The provider, with the newest values of its secrets. deadline: when a batch that has begun must end. CdnError if a
    secret is not set."""
    assert ctx.cdn is not None
    scope = names.scope(release.app, environment.name)
    values = {name: ctx.secrets.get(scope, name) or "" for name in cdn.secrets}
    ctx.redactor.add(values)
    for name, value in values.items():
        if not value:
            raise CdnError(
                f"the secret {name} of {environment.name} is not set",
                hint=f"shipway secret set {environment.name} {name}",
                refused=True,
            )
    access = CdnAccess(cdn, values.get(cdn.token or "", ""), values.get(cdn.key or "", ""))
    access = replace(access, go_on=lambda: _require_time(ctx, deadline))
    if cdn.provider == COMMAND:
        access = replace(access, run=lambda variables: _run(ctx, release, environment, cdn, variables, deadline))
    return ctx.cdn(access)


def _run(
    ctx: Context,
    release: Release,
    environment: Environment,
    cdn: Cdn,
    variables: Mapping[str, str],
    deadline: float | None,
) -> tuple[int, str]:
    """Run the team's command beside the services; never on this machine itself."""
    task = cdn.command
    assert task is not None
    here = ctx.on(environment.hosts[0].name)
    like = ctx.ledger.current(release.app, environment.name)
    known = settings(here, release, environment, like=like if like and like.release == release.number else None)
    extra = {**{name: known.secrets[name] for name in task.secrets}, **variables}
    job = service_job(release, environment, known, task.service, extra)
    lines: deque[str] = deque(maxlen=TAIL)
    spec = replace(job, entrypoint=("sh", "-c"), command=(task.run,))
    timeout = task.timeout if deadline is None else min(task.timeout, max(deadline - ctx.clock(), 1.0))
    code = run_container(here, spec, on_line=lines.append, timeout=timeout)
    return code, " ".join(lines)
