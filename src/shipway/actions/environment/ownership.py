"""Ownership of an engine's objects: a runtime that labels what it creates, and lists only its ledger's objects."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from shipway.domain.container import (
    LABEL_APP,
    LABEL_ENVIRONMENT,
    LABEL_LEDGER,
    LABEL_PROOF,
    LABEL_RELEASE,
    LABEL_RUN,
    ContainerInfo,
    ContainerSpec,
    EngineObject,
)
from shipway.domain.errors import EngineError, OtherLedger
from shipway.domain.ownership import Adoption, describe, made_since, owner
from shipway.ports import OwnershipLedger, PropertyLedger, Runtime

if TYPE_CHECKING:
    from shipway.context import Context, Machine
    from shipway.domain.plan import Environment

MACHINE = "machine"  # property of a file ledger: the id of its machine
WHERE_IT_IS = "use the ledger that deployed it (SHIPWAY_LEDGER, or SHIPWAY_HOME for one in a folder)"


def owned(machine: Machine, ledger: OwnershipLedger, actor: str, clock: Callable[[], float]) -> Machine:
    """The machine, with a runtime that protects objects of other ledgers."""
    runtime = _OwnedRuntime(machine.runtime, Ownership(ledger, machine.name, actor, clock))
    return dataclasses.replace(machine, runtime=cast(Runtime, runtime))


def require_owned(ctx: Context, app: str, environment: str) -> None:
    """OtherLedger if containers, networks or volumes of the environment on this host aren't this ledger's."""
    things = ctx.runtime.objects({LABEL_APP: app, LABEL_ENVIRONMENT: environment})
    others = Ownership.of(ctx).sort(things)[1]
    if others:
        raise refusal(others, app, environment)


def require_owned_everywhere(ctx: Context, app: str, environment: Environment) -> None:
    """The same on every reachable host of the environment."""
    for host in environment.hosts:
        try:
            require_owned(ctx.on(host.name), app, environment.name)
        except EngineError:
            pass  # reported by whatever needs the host


def own_objects(ctx: Context, labels: Mapping[str, str]) -> list[EngineObject]:
    """This ledger's objects with these labels on this host."""
    return Ownership.of(ctx).sort(ctx.runtime.objects(labels))[0]


def own_labels(ctx: Context, app: str, environment: str) -> dict[str, str]:
    """Labels of what an environment has that is this ledger's."""
    return {LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_LEDGER: ctx.ledger.identity()}


def refusal(others: Sequence[EngineObject], app: str, environment: str) -> OtherLedger:
    """The error that lists them, and the options."""
    hint = f"{WHERE_IT_IS}; if that ledger is lost: shipway adopt {environment}"
    return OtherLedger(
        f"{environment} of {app} does not belong to this ledger: {describe(others)}. Nothing was changed", hint=hint
    )


def require_machine(ledger: PropertyLedger, machine: str, name: str) -> None:
    """Bind a file ledger to the machine that opens it first; OtherLedger on any other machine."""
    if ledger.set_once(MACHINE, machine) != machine:
        hint = "use it on that machine, or share a ledger on PostgreSQL (SHIPWAY_LEDGER); if it was moved permanently: shipway adopt"
        raise OtherLedger(f"the ledger {name} was copied from another machine. Nothing was changed", hint=hint)


class Ownership:
    """Recognizes this ledger's objects on one host. Objects known without a label, from before there were labels, are
    recorded."""

    def __init__(self, ledger: OwnershipLedger, host: str, actor: str, clock: Callable[[], float]) -> None:
        self._ledger, self._host, self._actor, self._clock = ledger, host, actor, clock
        self._adopted: set[tuple[str, str]] = set()

    @classmethod
    def of(cls, ctx: Context) -> Ownership:
        """For the context's host."""
        return cls(ctx.ledger, ctx.machine.name, ctx.actor, ctx.clock)

    @property
    def label(self) -> dict[str, str]:
        """The label of new objects."""
        return {LABEL_LEDGER: self._ledger.identity()}

    def sort(self, things: Iterable[EngineObject]) -> tuple[list[EngineObject], list[EngineObject]]:
        """Split into this ledger's objects and others'."""
        mine = self._ledger.identity()
        own, others, found = [], [], []
        for thing in things:
            if owner(thing) == mine or self._is_adopted(thing):
                own.append(thing)
            elif not owner(thing) and self._is_known(thing):
                own.append(thing)
                found.append(thing)
            else:
                others.append(thing)
        if found:
            self.adopt(found)
        return own, others

    def adopt(self, things: Iterable[EngineObject]) -> None:
        """Record them as this ledger's."""
        now = self._clock()
        self._ledger.add_adoptions(
            [Adoption(self._host, item.kind, item.id, item.name, owner(item), self._actor, now) for item in things]
        )
        self._adopted = set()

    def _is_adopted(self, thing: EngineObject) -> bool:
        key = (thing.kind, thing.id)
        if key not in self._adopted:  # another process may have been faster
            self._adopted = self._ledger.adopted(self._host)
        return key in self._adopted

    def _is_known(self, thing: EngineObject) -> bool:
        """Whether this ledger's records explain an object without a label."""
        app, environment, run = (thing.labels.get(name, "") for name in (LABEL_APP, LABEL_ENVIRONMENT, LABEL_RUN))
        if LABEL_PROOF in thing.labels:
            return True  # its name is random, and only this ledger's home has it
        if environment:
            release = thing.labels.get(LABEL_RELEASE, "")
            number = int(release) if release.isdigit() else None
            return made_since(thing, self._ledger.deployed_since(app, environment, number))
        return run.isdigit() and made_since(thing, self._ledger.run_since(app, int(run)))


class _OwnedRuntime:
    """A Runtime whose `list` omits objects of other ledgers, or raises for an environment, which has a single owner."""

    def __init__(self, runtime: Runtime, ownership: Ownership) -> None:
        self._runtime, self._ownership = runtime, ownership

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def create(self, spec: ContainerSpec) -> str:
        mine = dataclasses.replace(spec, labels={**spec.labels, **self._ownership.label})
        try:
            return self._runtime.create(mine)
        except EngineError:
            found = self._runtime.find(spec.name)
            theirs = found.labels.get(LABEL_LEDGER) if found else None
            if (
                found is None
                or theirs in (None, mine.labels[LABEL_LEDGER])
                or not self._ownership.sort([_object(found)])[0]
            ):
                raise
            return self._runtime.create(
                dataclasses.replace(spec, labels={**spec.labels, LABEL_LEDGER: theirs})
            )  # adopted

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        self._runtime.ensure_network(
            name, {**labels, **self._ownership.label}, internal=internal, pinned=pinned, wide=wide
        )

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        found = self._runtime.list(labels)
        if LABEL_APP not in labels and LABEL_PROOF not in labels:
            return found  # of the whole engine
        own, others = self._ownership.sort(map(_object, found))
        if others and labels.get(LABEL_ENVIRONMENT):  # "": of all environments, some of which may be another ledger's
            raise refusal(others, labels[LABEL_APP], labels[LABEL_ENVIRONMENT])
        mine = {item.id for item in own}
        return [item for item in found if item.id in mine]


def _object(item: ContainerInfo) -> EngineObject:
    return EngineObject("container", item.id, item.name, item.labels, item.created)
