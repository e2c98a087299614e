"""Hold a lock (a lease) while changing what it guards: for an environment, it fences every effect."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shipway.actions.environment.cancellation import Cancellation, cancellation
from shipway.context import Context, Machine
from shipway.domain import names
from shipway.domain.errors import Interrupted, LeaseHeld, ShipwayError, StoreError, UsageError
from shipway.domain.release import Lease
from shipway.system.alive import is_gone

if TYPE_CHECKING:
    from shipway.domain.platform import ClusterSettings

TTL = 15.0  # seconds after which a dead owner's lock is free
CARETAKER = "standby"  # background clean-up after a deployment; others wait for it, at most the longest `drain`
LOOK = 1.0  # seconds between looks for a request to cancel
MARGIN = 2.0  # seconds before expiry at which a lock is renewed before it is used
# Methods of these ports that change nothing: THE list, from which `testing.faults` derives effects too.
READS = frozenset({
    "ping", "commands", "list", "objects", "variables", "find", "connections", "processors", "memory", "usage_of", "wait", "logs", "log", "get", "has_volume", "free_space", "disk_usage",  # of the runtime
    "routes", "taken", "down", "ports", "maintained", "asked", "traffic", "probe", "pending", "authority",  # of the edge
    "observe", "unsaid", "place", "healthy", "accessories_healthy",  # of a cluster
    "apps", "close",  # of the ledger; and of its parts:
    "runs", "run", "pending_runs", "steps", "recent_steps", "passed_step",
    "release", "releases", "releases_of", "version", "versions", "evidence",
    "pending_scheduled", "scheduled_runs", "last_due", "purge_targets", "pending_purges", "purges",
    "deployments", "deployment", "deployment_totals", "run_totals", "latest", "current", "deployments_of", "history", "destroyed", "environments", "snapshots", "backups",  # and `pending`
    "approvals", "waivers", "registration", "accepted_rules",
    "secrets", "sealed_secret", "secret_origins",
    "now", "lease", "operations", "provisions", "renamings", "launch_records",
    "property", "identity", "adopted", "deployed_since", "run_since",
    "people", "person", "password_hash", "grants", "tokens", "token_of", "session_of", "is_known_address", "totp_version",
    "push", "pushes", "renew_push", "webhooks", "received", "audit", "audit_ends", "audit_entry", "audit_chain",
    "signing_keys", "image_builds", "image_sboms", "image_signatures",
    "deployment_weeks", "lead_times", "restore_times", "step_weeks", "flaky_steps",
    "tests", "unstable_tests", "failed_tests", "slow_tests", "flaky_tests",
    "waiting", "all_waiting", "waiting_of", "holds", "polls", "previews",
    "news", "messages", "notifications", "forge_tokens",
    "events", "add_events", "add_news",  # they only report, also of who has lost the lock
})  # fmt: skip


@contextmanager
def environment_lease(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Iterator[Context]:
    """A context that may change the environment, on any host, as long as this process holds its lock.

    Takes over from an owner whose process died. Waits up to `wait` seconds for another owner (for the background
    clean-up until a rollback's leftovers have ended), then raises LeaseHeld. A process that was suspended for longer
    than TTL, or could not renew the lock until it expired, has lost it: each further change raises LeaseHeld, and its
    waits are cancelled. A request to cancel, which any process can make, interrupts the work as a signal does.
    """
    with fenced(ctx, names.scope(app, environment), reason, wait=wait) as own:
        yield dataclasses.replace(own, exclusive=True)


@contextmanager
def fenced(ctx: Context, name: str, reason: str, *, wait: float = 0.0) -> Iterator[Context]:
    """The same with the lock of any name."""
    with held(ctx, name, reason, wait=wait) as lock:

        def guarded(machine: Machine) -> Machine:
            drivers: dict[str, Any] = {
                name: _Fenced(getattr(machine, name), lock.check) for name in ("runtime", "edge")
            }
            return dataclasses.replace(machine, **drivers)

        def cluster(app: str, environment: str, settings: ClusterSettings) -> Any:
            return _Fenced(ctx.cluster(app, environment, settings), lock.check)

        ledger: Any = _Fenced(ctx.ledger, lock.check)
        yield dataclasses.replace(
            ctx, ledger=ledger, machine=guarded(ctx.machine), connect=lambda host: guarded(ctx.connect(host)), cluster=cluster,
            interruption=lock.interruption,
        )  # fmt: skip


@contextmanager
def without_jobs(ctx: Context, app: str, environment: str, reason: str) -> Iterator[None]:
    """No job on a schedule runs or starts meanwhile. UsageError if one is running."""
    with held(ctx, names.schedules_lock(app, environment), reason, wait=TTL):
        running = ctx.ledger.pending_scheduled(app, environment)
        if running:
            raise UsageError(
                f"the job {running[0].schedule} is running, and what it writes would be lost",
                hint="wait until it has ended: `shipway tick` records that",
            )
        yield


@contextmanager
def held(ctx: Context, name: str, reason: str, *, wait: float = 0.0) -> Iterator[Lock]:
    """Acquire the lock, renew it, and release it. Yields it; its check raises LeaseHeld once it was lost.

    A lost lock cancels the current work like an interrupt; the resulting error becomes LeaseHeld here, and `cancelled`
    is cleared again, so that the two can be distinguished.
    """
    keeping = Lock(ctx, name, reason, wait)
    keeper = threading.Thread(target=keeping.run, daemon=True)
    keeper.start()
    try:
        yield keeping
    except ShipwayError as error:
        if keeping.lost is None or error is keeping.lost:
            raise
        raise keeping.lost from error
    finally:
        keeping.over.set()
        keeper.join()
        keeping.give_back()


def is_held(lease: Lease | None, now: float) -> bool:
    """Whether a live process holds it, as far as that can be determined."""
    return lease is not None and lease.expires > now and not is_gone(lease.owner)


class Lock:
    """A lock of this process. Its expiry is computed from this machine's clock alone, starting before the request."""

    def __init__(self, ctx: Context, name: str, reason: str, wait: float) -> None:
        self.over = threading.Event()
        self.lost: LeaseHeld | None = None
        self.cancelled: Cancellation | None = None
        self._ctx = ctx
        self._one = threading.Lock()
        self.lease, begun = _acquire(ctx, name, reason, wait)
        self._ends = begun + TTL

    def run(self) -> None:
        """Renew it in time, and look for a request to cancel in between."""
        pause, waited = TTL / 3, 0.0
        while not self.over.wait(part := min(LOOK, pause - waited)) and self.lost is None:
            waited += part
            self._look()
            if waited < pause:
                continue
            waited = 0.0
            try:
                self._renew()
                pause = TTL / 3
            except LeaseHeld:
                return
            except Exception as error:  # the ledger may answer again before the lock expires
                pause = TTL / 15
                if self._ctx.clock() >= self._ends:
                    self._lose(
                        LeaseHeld(f"the lock of {self.lease.name} was lost, since it could not be renewed: {error}")
                    )

    def _look(self) -> None:
        if self.cancelled is not None:
            return
        try:
            self.cancelled = cancellation(self._ctx, self.lease)
        except Exception:  # the ledger may answer the next time
            return
        if self.cancelled is not None:
            self._ctx.reporter.note(str(self.cancelled))
            (self._ctx.interrupt or self._ctx.cancelled.set)()

    def interruption(self) -> str:
        """Why an interrupt came."""
        return str(self.cancelled) if self.cancelled else "interrupted"

    def check(self) -> None:
        """LeaseHeld if it was lost; renews it if it is about to expire."""
        if self.lost is not None:
            raise self.lost
        if self._ctx.clock() > self._ends - MARGIN:
            self._renew()

    def give_back(self) -> None:
        """Release it. If that fails, it expires: no reason to fail the work done under it."""
        if self.lost is not None:
            self._ctx.cancelled.clear()
        try:
            self._ctx.ledger.free(self.lease)
        except StoreError as error:
            self._ctx.reporter.note(
                f"the lock of {self.lease.name} expires in {TTL:g} s, since it could not be released: {error}"
            )

    def _renew(self) -> None:
        with self._one:
            begun = self._ctx.clock()
            try:
                self.lease = self._ctx.ledger.renew(self.lease, TTL)
            except LeaseHeld as error:
                self._lose(error)
                raise
            self._ends = begun + TTL

    def _lose(self, error: LeaseHeld) -> None:
        self.lost = self.lost or error
        self._ctx.cancelled.set()


class _Fenced:
    """A driver that rejects changes once the lock is lost."""

    def __init__(self, driver: object, check: Callable[[], None]) -> None:
        self._driver = driver
        self._check = check

    def __getattr__(self, name: str) -> Any:
        if name not in READS:
            self._check()
        return getattr(self._driver, name)


def _acquire(ctx: Context, name: str, reason: str, wait: float) -> tuple[Lease, float]:
    """The lock, and the time of its request by this machine's clock."""
    deadline = ctx.clock() + wait
    reported = False
    while True:
        begun = ctx.clock()
        try:
            return ctx.ledger.acquire(name, ctx.owner, reason, TTL), begun
        except LeaseHeld as error:
            holder = ctx.ledger.lease(name)
            if holder is not None and is_gone(holder.owner):
                ctx.ledger.free(holder)  # only if it is still this owner's
                continue
            tidying = holder is not None and holder.owner.startswith(f"{CARETAKER} ")
            if ctx.clock() >= deadline and not tidying:
                raise
            if not reported:
                ctx.reporter.note(f"waiting: {error}")
                reported = True
            ctx.cancelled.wait(0.2)
            if ctx.cancelled.is_set():
                raise Interrupted("interrupted while waiting for another deployment") from error
