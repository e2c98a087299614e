"""A world in memory: one engine, edge and database that stay, and controllers that come and die at any call."""

from __future__ import annotations

import copy
import dataclasses
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.ownership import owned
from shipway.context import Context, Machine
from shipway.domain import routes
from shipway.domain.catalog import ADDITIVE
from shipway.domain.container import LABEL_LEDGER
from shipway.domain.errors import EngineError, MigrationFailed
from shipway.domain.plan import LOCAL, Database, Environment
from shipway.domain.proof import NO_EVIDENCE, RESTORED, SAFE, CompatibilityTest, MigrationReport, Proof, images_digest
from shipway.domain.record import to_data
from shipway.domain.release import PENDING, SUCCEEDED, Evidence, Release
from shipway.drivers.accessories import KINDS
from shipway.drivers.secrets.key import Keys
from shipway.drivers.secrets.ledger import LedgerSecrets
from shipway.drivers.server.postgres import PostgresServer
from shipway.ports import Ledger, OwnershipLedger, SecretLedger
from shipway.store import open_ledger
from shipway.system.redact import Redactor
from shipway.testing.faults import Death, Mortal, mortal
from shipway.testing.memory import Behaviour, MemoryEdge, MemoryImages, MemoryRuntime
from shipway.testing.memory_calls import Recorder
from shipway.testing.memory_cdn import MemoryCdn
from tests.unit.domain import samples

SPACE = tempfile.TemporaryDirectory()
TEMPLATES: dict[str, World] = {}
MOMENT = 0.5  # seconds by which one wait moves the time at most


class Engine:
    """One host."""

    def __init__(self, name: str, images: MemoryImages) -> None:
        self.name, self.images, self.runtime, self.edge = name, images, MemoryRuntime(images), MemoryEdge()
        self.runtime.behave("*_job_*", Behaviour(exit_code=0))
        self.runtime.behave(
            "*_job_snapshot_*", Behaviour(("shipway-rows public.pets\t3", "shipway-taken 70 sum"), exit_code=0)
        )
        self.away = False  # it can't be reached

    def machine(self, ledger: OwnershipLedger, clock: Callable[[], float]) -> Machine:
        """Its drivers, for one controller."""
        if self.away:
            raise EngineError(f"{self.name} can't be reached")
        bare = Machine(self.name, self.runtime, self.images, self.edge, self.runtime.probe, self.runtime.probe_tcp)  # type: ignore[arg-type]
        return owned(bare, ledger, "controller", clock)


class World:
    """`now` moves a little with each look at the clock, unless the world's clock is the machine's, which `waits`; `runtime`
    and `edge` are those of the first host."""

    services = samples.PLAN.services

    def __init__(self, folder: Path, hosts: Sequence[str] = (LOCAL,), *, waits: bool = False) -> None:
        self.waits = waits
        self.images = MemoryImages(public=["postgres:15"])
        self.engines = {name: Engine(name, self.images) for name in hosts}
        self.runtime, self.edge = self.engines[hosts[0]].runtime, self.engines[hosts[0]].edge
        self.database = MemoryDatabase()
        self.now = 1000.0
        self.notes: list[str] = []
        self.cdn: MemoryCdn | None = None  # of all environments whose plan has one
        self.later: list[tuple[str, str]] = []  # calls of retire_later
        self._folder = folder
        self._owners = 0
        self._ledgers: list[Ledger] = []
        self.ledger = self._open()
        self.secrets(self.ledger).set("shop/staging", "KEY", "secret-key")

    def _open(self) -> Ledger:
        self._ledgers.append(open_ledger(self._folder / "ledger.db", self.clock))
        return self._ledgers[-1]

    @classmethod
    def deployed(cls, folder: Path, environment: Environment, *numbers: int) -> World:
        """In which these releases were deployed, one after the other. Made once in a process; each one gets a copy."""
        key = repr((environment, numbers))
        if key not in TEMPLATES:
            template = Path(SPACE.name, str(len(TEMPLATES)))
            template.mkdir()
            made = cls(template, [host.name for host in environment.hosts])
            for number in numbers:
                order = DeployRequest(made.release(number, environment=environment), environment)
                deploy(made.controller(), order)
            TEMPLATES[key] = made
        return TEMPLATES[key].copy(folder)

    def copy(self, folder: Path) -> World:
        """Another one that is as this one is now."""
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)
        made = object.__new__(World)
        vars(made).update(vars(self), _folder=folder, _ledgers=[], notes=[*self.notes], later=[*self.later])
        mine = (self.images, self.engines, self.database, self.cdn)
        made.images, made.engines, made.database, made.cdn = copy.deepcopy(mine)
        first = next(iter(made.engines.values()))
        made.runtime, made.edge, made.ledger = first.runtime, first.edge, made._open()
        return made

    def neighbour(self, folder: Path) -> World:
        """Another home with a ledger of its own, on the same engines."""
        folder.mkdir()
        made = object.__new__(type(self))
        vars(made).update(vars(self), _folder=folder, _ledgers=[], notes=[], later=[])
        made.ledger = made._open()
        made.secrets(made.ledger).set("shop/staging", "KEY", "secret-key")
        return made

    def close(self) -> None:
        """All ledgers, of which a test with many worlds would have too many open."""
        for ledger in self._ledgers:
            ledger.close()

    def secrets(self, ledger: SecretLedger) -> LedgerSecrets:
        """As a process of this home has them."""
        return LedgerSecrets(ledger, Keys(self._folder / "key"))

    def controller(self, *, dies: Death | None = None, ahead: float = 0.0) -> Context:
        """A new process. ahead: seconds that the clock of its machine is ahead of the ledger's."""
        self._owners += 1
        database: Any = Mortal(self.database, dies) if dies else self.database
        ledger = self._open()
        ctx = Context(
            home=self._folder, actor=f"controller-{self._owners}", ledger=ledger,
            secrets=self.secrets(ledger), machine=self.engines[LOCAL].machine(ledger, self.clock),
            connect=lambda name: self.engines[name].machine(ledger, self.clock), registry=lambda plan: self.images.registry,  # type: ignore[arg-type, return-value]
            tool=lambda settings, *, run, client, files, cache=None, kind="": MemoryTool(database, settings.folder or ""),
            kinds=KINDS, servers={"postgres": PostgresServer()},
            clock=lambda: self.clock() + ahead, reporter=Notes(self.notes),
            repository=lambda: None,  # type: ignore[arg-type, return-value]
            redactor=Redactor({}), retire_later=lambda app, environment: self.later.append((app, environment)),
            cancelled=threading.Event() if self.waits else Impatient(self, f"controller-{self._owners}"),
            cdn=(lambda access: cdn) if (cdn := self.cdn) else None,
        )  # fmt: skip
        return mortal(ctx, dies) if dies else ctx

    @property
    def label(self) -> dict[str, str]:
        """What is this ledger's carries it."""
        return {LABEL_LEDGER: self.ledger.identity()}

    def clock(self) -> float:
        """Seconds since the epoch."""
        if self.waits:
            return time.time()
        self.now += 0.02
        return self.now

    def pass_time(self, seconds: float, owner: str) -> None:
        """Somebody waits, whose locks stay."""
        self.now += seconds
        sql = "UPDATE leases SET expires = expires + ? WHERE expires > ? AND owner LIKE ?"
        self.ledger._db.query(sql, (seconds, self.now - seconds, f"{owner} %"))  # type: ignore[attr-defined]

    def release(
        self, number: int, schema: str = "0001", environment: Environment = samples.STAGING, **db: Any
    ) -> Release:
        """A release whose images are on the engine, in the ledger. db: what is otherwise of the plan's accessory."""
        accessories = {"db": dataclasses.replace(samples.PLAN.accessories["db"], **db)}
        plan = dataclasses.replace(
            samples.PLAN, database=Database("db", "backend", "memory", schema), environments={environment.name: environment},
            accessories=accessories, services=self.services,
        )  # fmt: skip
        made = dataclasses.replace(samples.release(number, schema), plan=plan, tree=f"tree-{number}", digest="")
        for image in made.images.values():
            self.images.public.add(image)
        return self.ledger.add_release(made)

    def proven(
        self, release: Release, before: Release, old: str = SAFE, way: str = RESTORED, triage: str = ADDITIVE,
        environment: str = "staging", new: str = NO_EVIDENCE,
    ) -> Proof:  # fmt: skip
        """The way from one release to another was walked, and this was found."""
        proof = Proof(
            release.app, environment, release.number, images_digest(release), before.number, images_digest(before),
            before.schema, release.schema, "schema", self.now, 1.0,
            way=MigrationReport((release.schema or "",), way, (f"why {way}",), triage), old_code=CompatibilityTest(old, (f"why {old}",)), new_code=CompatibilityTest(new),
        )  # fmt: skip
        evidence = Evidence(
            release.app, release.number, environment, "proof", "", True, json.dumps(to_data(proof)), self.now
        )
        self.ledger.add_evidence(evidence)
        return proof

    def have(self, *references: str) -> None:
        """Bring these images to the engines."""
        for reference in references:
            self.images.public.add(reference)
            self.images.pull(reference, lambda line: None)

    # what a person sees

    def serving(self) -> set[int]:
        """Releases that the edges send requests to; -1 where a container behind one doesn't answer."""
        return set().union(*(_served(engine) for engine in self.engines.values()))

    def state(self) -> Mapping[str, object]:
        """All that a deployment leaves."""
        deployments = self.ledger.deployments("shop", "staging")
        return {
            "containers": {
                f"{engine.name} {item.info.name}": item.info.state
                for engine in self.engines.values()
                for item in engine.runtime.containers.values()
            },
            "rotation": {
                engine.name: sorted(engine.runtime.networks.get("shipway_shop_staging_rotation", ()))
                for engine in self.engines.values()
            },
            "serving": self.serving(),
            "schema": list(self.database.applied),
            "good": [item.release for item in deployments if item.outcome == SUCCEEDED][:1],
            "pending": [item.id for item in deployments if item.outcome == PENDING],
        }


def _served(engine: Engine) -> Iterator[int]:
    for table in engine.edge.tables.values():
        for group in (group for route in table["routes"] for group in route["groups"]):
            for name in routes.upstreams({"routes": [{"groups": [group]}]}):
                found = engine.runtime.find(name)
                up = found is not None and found.running and found.labels["shipway.release"] == str(group["release"])
                yield group["release"] if up else -1


class Impatient(threading.Event):
    """Waits by the world's time: it moves on, and the locks of who waits are renewed, as a thread of their own does it."""

    def __init__(self, world: World, owner: str) -> None:
        super().__init__()
        self._world, self._owner = world, owner

    def wait(self, timeout: float | None = None) -> bool:
        self._world.pass_time(min(timeout or 0.0, MOMENT), self._owner)
        return self.is_set()


class MemoryDatabase(Recorder):
    """`applied`: revisions, oldest first; all that exist are numbered 0001, 0002 …"""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[str] = []

    def apply(self, revision: str) -> None:
        with self._call("apply", revision):
            self.applied.append(revision)

    def revert(self) -> None:
        with self._call("revert", self.applied[-1]):
            self.applied.pop()


@dataclasses.dataclass(frozen=True)
class MemoryTool:
    """A DatabaseTool whose image brings all revisions up to `newest`."""

    database: Any
    newest: str

    def head(self) -> str:
        return self.newest

    def _known(self) -> list[str]:
        if self.database.applied and self.database.applied[-1] > self.newest:
            raise MigrationFailed(f"the database has {self.database.applied[-1]} applied, which the image lacks")
        return list(self.database.applied)

    def current(self) -> str | None:
        applied = self._known()
        return applied[-1] if applied else None

    def pending(self) -> list[str]:
        return [f"{number:04}" for number in range(len(self._known()) + 1, int(self.newest) + 1)]

    def up(self, on_line: Callable[[str], None], to: str | None = None) -> None:
        for revision in self.pending():
            if to is None or revision <= to:
                self.database.apply(revision)

    def scripts(self, revisions: Sequence[str]) -> dict[str, str]:
        return {f"{revision}.down.sql": f"-- {revision}" for revision in revisions}

    def down(self, to: str | None, on_line: Callable[[str], None]) -> None:
        self._known()
        while self.database.applied and self.database.applied[-1] != to:
            self.database.revert()


class Notes:
    """A reporter that keeps what it is told."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def heading(self, text: str) -> None:
        self._lines.append(text)

    note = heading

    def begin(self, name: str, detail: str = "") -> None:
        self._lines.append(f"{name} {detail}")

    def line(self, name: str, text: str) -> None:
        self._lines.append(f"{name} │ {text}")

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        self._lines.append(f"{name} {outcome} {detail}")
