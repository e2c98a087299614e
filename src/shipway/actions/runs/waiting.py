"""Deployments that wait for people or for a time: recorded where a run is refused only for that, and taken up later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shipway.actions.deployments.admission import LOOK, admitted, superseded_by
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.waits import mark_of
from shipway.actions.environment.ended import ended
from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.locks import fenced, is_held
from shipway.actions.people.delegation import token_now
from shipway.actions.people.permitted import require
from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.actions.projects.plans import ParsePlan
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import (
    DeploymentWaits,
    EngineError,
    GateRefused,
    Interrupted,
    LeaseHeld,
    NotAllowed,
    NotSignedIn,
    RegistryError,
    RepositoryError,
    SecretUnavailable,
    ShipwayError,
    StoreError,
    UsageError,
)
from shipway.domain.people import SESSION, TOKEN, Identity
from shipway.domain.permissions import ALL, in_environment
from shipway.domain.refs import TAGS, short_name
from shipway.domain.release import (
    CANCELLED,
    DEPLOY,
    FAILED,
    SUCCEEDED,
    SUPERSEDED,
    Commit,
    Deployment,
    Release,
    Trigger,
)
from shipway.domain.rules import InForce
from shipway.domain.value import dataclass
from shipway.domain.waiting import ATTEMPTS, REFUSED, REJECTED, Waiting
from shipway.system.git import Repository

AGAIN = 600.0  # seconds after which it is judged again, whatever was decided
WAIT = 600.0  # seconds that it waits for another deployment to its environment
AFTER = "another attempt, after: "
AWAY = (EngineError, LeaseHeld, RegistryError, RepositoryError, SecretUnavailable, StoreError)  # it is tried again
# Of a release whose commit of that revision is deployed: the app's commits, and its rules.
Opened = Callable[[Release, str], tuple[Repository, Rulebook]]


def require_now(ctx: Context, who: Identity, permission: str, app: str, environment: str = ALL) -> None:
    """NotAllowed if they lack the permission, by what they were granted until now: who was removed has nothing."""
    require(replace(who, grants=tuple(ctx.ledger.grants(who.person))), permission, app, environment)


def asker(ctx: Context, person: str, number: int) -> Identity:
    """Who asked for a run, by the token of that number; 0: by none. NotSignedIn if it doesn't count any more."""
    if not number:
        return Identity(person, (), SESSION, 0)
    token = token_now(ctx, person, number)
    if token is None:
        raise NotSignedIn(
            f"the token with which {person} requested it is no longer valid", hint="request it again with another token"
        )
    return Identity(person, (), TOKEN, number, token=token)


def may_deploy(ctx: Context, who: Identity, app: str, in_force: InForce) -> None:
    """NotAllowed if they, by what they were granted until now, or their token may not deploy there."""
    permission = in_environment("deploy", *(own for _, own in in_force.environments))
    require_now(ctx, who, permission, ctx.names.app(app), in_force.environment)


def leave(
    ctx: Context, error: DeploymentWaits, commit: Commit, book: Rulebook, in_force: InForce, trigger: Trigger,
    person: tuple[str, int],
) -> tuple[Waiting | None, DeploymentWaits]:  # fmt: skip
    """Record that the deployment waits, and what to say. None: a newer one waits there already. person: who asked for it, and the
    number of their token; empty and 0 if that is not proven."""
    app, name, shown = book.registration.app, in_force.environment, in_force.called
    latest = ctx.ledger.latest(app, name)
    new = Waiting(
        app, name, error.release, commit.revision, trigger.ref, trigger.actor, person[0], error.why, 0.0,
        latest.id if latest else 0, error.until, error.seen, token=person[1],
    )  # fmt: skip
    added, known = None, ctx.ledger.waiting(app, name)
    while added is None and not (known is not None and _is_older(book, new, known.revision)):
        added = ctx.ledger.add_waiting(new, known.id if known else 0)
        known = ctx.ledger.waiting(app, name) if added is None else None
    if added is None and known is not None:
        why = f"release {known.release} of {known.revision[:12]}, which is newer, waits there already"
        record = Deployment(0, app, name, new.release, DEPLOY, trigger.actor, short_name(trigger.ref), ctx.clock())
        ctx.ledger.end_deployment(ctx.ledger.begin_deployment(record), SUPERSEDED, ctx.clock(), None, why)
        return None, DeploymentWaits(f"{shown}: release {new.release} is superseded: {why}", release=new.release)
    assert added is not None
    return added, DeploymentWaits(
        error.message,
        hint=f"the deployment waits for that, and then goes out automatically: {next_step(added, shown)}; or drop it: shipway cancel {shown}",
        release=error.release, why=error.why, until=error.until,
    )  # fmt: skip


def next_step(waiting: Waiting, shown: str) -> str:
    """The command of whoever can end the waiting."""
    if any("approval" in reason for reason in waiting.why):
        return f"ask another person to run: shipway approve {shown} r{waiting.release}"
    if any("is on hold" in reason for reason in waiting.why):
        return f"shipway resume {shown}"
    return f"the server or `shipway tick` takes it up; shipway deploy {shown} r{waiting.release} tries it now"


def _is_older(book: Rulebook, waiting: Waiting, than: str) -> bool:
    """Whether its commit is in the history of another one."""
    branch = book.registration.branch if waiting.ref.startswith(TAGS) else short_name(waiting.ref)
    return waiting.revision != than and book.origin.is_older(waiting.revision, than, branch)


def sources(known: KnownApp, parse: ParsePlan, recorded: Callable[[Context, str], Repository]) -> Opened:
    """Those of an app: a checkout's, if it has the commit; else of its recorded repository."""

    def opened(release: Release, revision: str) -> tuple[Repository, Rulebook]:
        repository = known.ctx.repository()
        if not repository.has(revision):
            repository = recorded(known.ctx, known.name)
        return repository, read_rules(known.ctx, repository, release.plan, parse)

    return opened


def due(ctx: Context, app: str | None = None) -> list[Waiting]:
    """Those that are to be judged again, and that no process works on."""
    now = ctx.ledger.now()
    return [
        item for item in ctx.ledger.all_waiting()
        if app in (None, item.app) and item.is_due(mark_of(ctx, item), now, AGAIN)
        and not is_held(ctx.ledger.lease(names.waiting_lock(item.app, item.environment)), now)
    ]  # fmt: skip


def take_up(ctx: Context, app: str, environment: str, opened: Opened) -> Deployment | None:
    """Judge the deployment that waits there again, entirely, and let it go out if nothing is against it. Returns the
    deployment; None if it goes on waiting, or has no use any more, which is reported. LeaseHeld if another process does
    this; what a rule or the deployment raises, after the waiting has ended."""
    lock = names.waiting_lock(app, environment)
    while True:
        with fenced(ctx, lock, "the deployment that waits") as own:
            found = own.ledger.waiting(app, environment)
            if found is None:
                return None
            done = _Attempt(own, found, opened).run()
        now = ctx.ledger.waiting(app, environment)  # who decided something meanwhile left it to this process
        if now is None or mark_of(ctx, now) == now.seen:
            return done


def cancel_waiting(ctx: Context, waiting: Waiting, reason: str) -> bool:
    """Drop it. False: it has ended."""
    why = f"cancelled by {ctx.actor}" + (f": {reason}" if reason else "")
    return ctx.ledger.end_waiting(waiting, CANCELLED, why, recorded=not waiting.begun)


def reject(ctx: Context, app: str, environment: str, release: int | None, reason: str) -> Waiting:
    """Turn down the deployment that waits there, as the context's actor. release: the one that is meant. UsageError without
    a reason, or if no deployment of that release waits."""
    shown, found = ctx.names.shown(app, environment), ctx.ledger.waiting(app, environment)
    if not reason.strip():
        raise UsageError("a rejection needs a reason", hint="pass --reason TEXT; it is shown with the deployment")
    if found is None or release not in (None, found.release):
        what = f"the one of release {found.release} does" if found else "`shipway status` shows what does"
        raise UsageError(f"no deployment{f' of release {release}' if release else ''} waits on {shown}", hint=what)
    if found.begun or not ctx.ledger.end_waiting(found, CANCELLED, f"{REJECTED}{ctx.actor}: {reason}"):
        raise UsageError(
            f"the deployment of release {found.release} to {shown} no longer waits: it has begun, or has ended",
            hint=f"shipway history {shown}; shipway cancel {shown} cancels one that has begun",
        )
    return found


@dataclass(frozen=True)
class _Attempt:
    """One look at it, under its lock."""

    ctx: Context
    waiting: Waiting
    opened: Opened

    def run(self) -> Deployment | None:
        ctx, waiting = self.ctx, self.waiting
        ledger, seen = ctx.ledger, mark_of(ctx, waiting)
        known = ledger.deployments_of(waiting.app, waiting.environment, waiting.release)
        if out := next((item for item in known if item.id > waiting.since and item.outcome == SUCCEEDED), None):
            ledger.end_waiting(waiting, SUCCEEDED, "", recorded=False)
            return out
        if ended(ctx, waiting.app, waiting.environment) > waiting.at:
            self._end(REFUSED, "refused: the environment was destroyed meanwhile")
            return None
        if waiting.begun >= ATTEMPTS:
            self._end(FAILED, f"its process died during {waiting.begun} deployments of it")
            return None
        before = self._newest()
        try:
            return self._deployed()
        except DeploymentWaits as error:
            self._wait(error.why, error.until, seen, error.release)
            return None
        except (GateRefused, NotAllowed) as error:
            self._end(REFUSED, f"refused: {_flat(error)}")
            raise
        except Interrupted:
            raise
        except ShipwayError as error:
            begun = self._newest() != before
            if isinstance(error, AWAY) and not begun:
                why = (*(item for item in waiting.why if not item.startswith(AFTER)), f"{AFTER}{_flat(error)}")
                self._wait(why, ledger.now() + LOOK, seen, waiting.release)
            elif not isinstance(error, LeaseHeld):
                ledger.end_waiting(waiting, FAILED, _flat(error), recorded=not begun)
            raise

    def _newest(self) -> int:
        found = self.ctx.ledger.latest(self.waiting.app, self.waiting.environment)
        return found.id if found else 0

    def _deployed(self) -> Deployment | None:
        waiting = self.waiting
        own = replace(self.ctx, actor=waiting.actor)
        app, name = waiting.app, waiting.environment
        release = own.ledger.release(app, waiting.release)
        assert release is not None
        repository, book = self.opened(release, waiting.revision)
        commit = replace(repository.commit(waiting.revision), tree=release.tree)
        in_force = book.of(own, name)
        if waiting.person:
            may_deploy(own, asker(own, waiting.person, waiting.token), app, in_force)
        is_current = superseded_by(book, in_force, commit, waiting.ref, app)

        def is_superseded(ctx: Context) -> str:
            return is_current(ctx) or self._overtaken(ctx, book)

        if why := is_superseded(own):
            self._end(SUPERSEDED, why)
            return None
        order = admitted(own, commit, app, book, in_force, waiting.ref)
        overtaken: list[str] = []

        def begins(locked: Context) -> str:
            if why := is_superseded(locked):
                overtaken.append(why)
            elif not locked.ledger.begin_waiting(waiting.id):
                raise GateRefused(f"the deployment of release {waiting.release} was cancelled")
            return why

        own.reporter.note(
            f"release {release.number} waited for {in_force.called} since {_what(waiting)}, and goes out now"
        )
        done = deploy(own, replace(order, wait=WAIT, superseded=begins))
        if overtaken:
            own.ledger.end_waiting(waiting, SUPERSEDED, overtaken[0], recorded=False)
        return done

    def _overtaken(self, ctx: Context, book: Rulebook) -> str:
        """Why it is obsolete: what was deployed since it began to wait is newer."""
        app, name = self.waiting.app, self.waiting.environment
        current = ctx.ledger.current(app, name)
        running = ctx.ledger.release(app, current.release) if current and current.id > self.waiting.since else None
        if running is None or not _is_older(book, self.waiting, running.revision):
            return ""
        return f"release {running.number} of {running.revision[:12]}, which is newer, was deployed meanwhile"

    def _wait(self, why: tuple[str, ...], until: float | None, seen: str, release: int) -> None:
        ledger, waiting = self.ctx.ledger, self.waiting
        if release != waiting.release:  # the same files were built again, and that was validated
            ledger.add_waiting(replace(waiting, release=release, why=why, until=until, seen=seen), waiting.id)
        else:
            ledger.judge_waiting(waiting.id, why, until, seen)
        shown = self.ctx.names.shown(waiting.app, waiting.environment)
        self.ctx.reporter.note("\n  - ".join([f"{shown}: release {release} waits for:", *why]))

    def _end(self, outcome: str, note: str) -> None:
        shown = self.ctx.names.shown(self.waiting.app, self.waiting.environment)
        if self.ctx.ledger.end_waiting(self.waiting, outcome, note):
            self.ctx.reporter.note(f"{shown}: release {self.waiting.release}, which waited, is not deployed: {note}")


def _what(waiting: Waiting) -> str:
    kind = "tag" if waiting.ref.startswith(TAGS) else "push"
    return f"the {kind} of {short_name(waiting.ref)}"


def _flat(error: ShipwayError) -> str:
    """In one line."""
    return "; ".join(line.strip().removeprefix("- ") for line in error.message.splitlines())
