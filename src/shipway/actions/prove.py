"""Prove a release's way back: from what an environment runs to the release, and back, on a copy of its database."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shipway.actions.decide_schema import ripe
from shipway.actions.observe import settings
from shipway.actions.oneoff import Files, database_tool
from shipway.actions.way_back import PROOF, proofs
from shipway.context import Context, environment_of, side_by_side
from shipway.domain import rollback as back
from shipway.domain.errors import MigrationFailed, UsageError
from shipway.domain.levels import ahead, levels
from shipway.domain.plan import Accessory, Environment, Plan
from shipway.domain.proof import NO_EVIDENCE, SAFE, Proof, Stage, Trial, Way, images_digest
from shipway.domain.record import to_data
from shipway.domain.release import SUCCEEDED, Deployment, Evidence, Release
from shipway.ports import DatabaseTool, ScratchDatabase
from shipway.proving.chain import Base, ends, walk_chain
from shipway.proving.golden import Target, golden, look_for_space
from shipway.proving.ground import Ground, ground
from shipway.proving.limit import limited
from shipway.proving.rounds import Span
from shipway.proving.rows import fill
from shipway.proving.server import Server, start
from shipway.proving.stand import Cast
from shipway.proving.toolbox import Toolbox
from shipway.proving.trial import try_new, try_old
from shipway.proving.walk import walk


@dataclass(frozen=True)
class Question:
    """What is to be proven: the way from what an environment runs to a release."""

    release: Release
    environment: Environment
    previous: Deployment  # of what runs
    old: Release  # and that itself
    stands: str | None  # the schema's revision
    ahead: bool  # a rollback by code alone has left it there, above the code that runs
    mode: str  # schema, data or rows

    def blank(self, at: float) -> Proof:
        """A proof of it, with nothing in it yet."""
        return Proof(
            app=self.release.app, environment=self.environment.name, release=self.release.number,
            digest=images_digest(self.release), before=self.old.number, before_digest=images_digest(self.old),
            schema_before=self.stands, schema_after=self.release.schema, mode=self.mode, at=at, seconds=0.0,
        )  # fmt: skip


def prove(
    ctx: Context, release: Release, environment: Environment, *, mode: str | None = None, again: bool = False
) -> Proof | None:
    """The proof, as it was recorded or walked now. None where nothing runs there: nothing can be gone back to.

    ProofError where it can't be carried out.
    """
    question = ask(ctx, release, environment, mode)
    if question is None:
        return None
    known = None if again else recorded(ctx, question)
    if known is not None:
        return known
    proof = walked(ctx, question)
    if release.number:
        record(ctx, proof)
    return proof


def find_release(ctx: Context, app: str, which: str | None) -> Release:
    """By a revision of the repository, a version tag or a number; None: the newest. UsageError where there is none."""
    if which is None:
        found = ctx.ledger.releases(app, limit=1)
    elif which.isdigit():
        found = [item for item in [ctx.ledger.release(app, int(which))] if item]
    else:
        found = ctx.ledger.releases(app, tree=ctx.repository().commit(which).tree)
    if not found:
        raise UsageError(f"{app} has no release{f' of {which}' if which else ''}", hint="`shipway run` builds one")
    return found[0]


def find_environment(plan: Plan, name: str | None) -> Environment:
    """By its name; None: the one that asks for proofs, else the last."""
    if name is None:
        asking = [item.name for item in plan.environments.values() if plan.asks_for_proof(item)] or list(plan.environments)
        name = asking[-1] if asking else ""
    return environment_of(plan, name)


def ask(ctx: Context, release: Release, environment: Environment, mode: str | None = None) -> Question | None:
    """The question, by the ledger; None where nothing runs there."""
    history = ctx.ledger.deployments(release.app, environment.name)
    previous = back.current(history)
    old = ctx.ledger.release(release.app, previous.release) if previous else None
    if previous is None or old is None:
        return None
    stands = levels(history)
    return Question(
        release, environment, previous, old, stands[-1].schema if stands else None, ahead(history, old) is not None,
        mode or release.plan.prove.mode,
    )  # fmt: skip


def recorded(ctx: Context, question: Question) -> Proof | None:
    """The newest proof of this very question: between the same images, from the same schema, filled in the same way."""
    blank = question.blank(0.0)
    for proof in proofs(ctx, blank.app, blank.environment, blank.release):
        same = ("digest", "before_digest", "schema_before", "mode")  # from which follows what is applied
        if all(getattr(proof, name) == getattr(blank, name) for name in same):
            return proof
    return None


def record(ctx: Context, proof: Proof) -> None:
    """In the ledger, as evidence of its release."""
    detail = json.dumps(to_data(proof), ensure_ascii=False)
    ctx.ledger.add_evidence(Evidence(proof.app, proof.release, proof.environment, PROOF, proof.mode, proof.leads_back, detail, ctx.clock()))


def walked(ctx: Context, question: Question) -> Proof:
    """Walk it. A release that brings no migration costs nothing."""
    began = ctx.clock()
    blank = question.blank(began)
    why = _untouched(question)
    if why:
        trial = Trial(SAFE, (why,))
        return dataclasses.replace(blank, old_code=trial, new_code=trial)
    old, new = question.old, question.release
    what = f"{question.environment.name}: release {old.number} → {new.number or 'this one'}, on a copy of its database"
    with ctx.part("prove", what), ground(ctx, new.app) as at:
        proof = _Walk(at, question, began).run(blank)
    return dataclasses.replace(proof, seconds=ctx.clock() - began)


def _untouched(question: Question) -> str:
    """Why there is nothing to walk; empty where there is."""
    database = question.release.plan.database
    if database is None or database.accessory not in question.old.plan.accessories:
        return f"release {question.old.number} has no such database"
    if question.stands == question.release.schema:
        return "the release brings no migration"
    if question.ahead and question.release.schema == question.old.schema:
        return "the release brings no migration: its schema is the one of the release that runs, which works on the newer one"
    return ""


class _Walk:
    """One proof under way."""

    def __init__(self, at: Ground, question: Question, began: float) -> None:
        self.ground, self.ctx, self.question, self.began = at, at.ctx, question, began
        self.stages: list[Stage] = []
        self.files: dict[str, dict[str, bytes]] = {}  # of the image, by folder
        self.guard = threading.Lock()
        release, environment, previous, old = question.release, question.environment, question.previous, question.old
        self.plan = release.plan
        self.proving = dataclasses.replace(self.plan.prove, mode=question.mode)
        self.new = Cast(release, environment, settings(self.ctx, release, environment, create=False))
        was = old.plan.environments.get(environment.name, environment)
        self.old = Cast(old, was, settings(self.ctx, old, was, like=previous, create=False))

    def run(self, blank: Proof) -> Proof:
        """Carry it out."""
        accessory = self._accessory()
        host = self.old.environment.hosts[0].name
        app, environment, passwords = self.plan.app, self.question.environment.name, self.old.settings.passwords
        target = Target(self.ground.on(host), app, environment, accessory, passwords[accessory.name])
        image = target.image()
        look_for_space(self.ctx, target, self.proving)
        self.ctx.registry(self.plan).ensure()
        with self._stage("server"):
            server = start(self.ground, app, accessory, image if host == self.ctx.machine.name else accessory.image)
        with self._stage("golden"):
            copy = golden(server, target, self.proving)
        self.tools = Toolbox(server, self.proving.timeout)
        with self._stage("pending"):
            span = self._span(server, copy)
        done = dataclasses.replace(blank, image=accessory.image)
        if span is None:
            trial = Trial(SAFE, ("the database has all migrations of the release already",))
            return dataclasses.replace(done, old_code=trial, new_code=trial, stages=tuple(self.stages))
        # All clones first: one is made of a database that nobody is looked into.
        fore, hind = server.scratch.create(like=copy), server.scratch.create(like=copy)
        done = dataclasses.replace(done, schema_after=span.end)
        works: list[Callable[[], tuple[Way, ...] | Trial]] = [
            lambda: self._ways(server, copy, span), lambda: self._old_code(server, fore, span), lambda: self._new_code(server, hind),
        ]  # fmt: skip
        ways, old_code, new_code = side_by_side(lambda work: work(), works)
        assert isinstance(ways, tuple)
        assert isinstance(old_code, Trial)
        assert isinstance(new_code, Trial)
        scripts = self._tool(server, copy).scripts(span.migrations)
        return dataclasses.replace(
            done, way=ways[0], each=ways[1:], old_code=old_code, new_code=new_code, stages=tuple(self.stages), scripts=scripts
        )

    def _accessory(self) -> Accessory:
        """The database as it runs."""
        assert self.plan.database is not None
        return self.question.old.plan.accessories[self.plan.database.accessory]

    def _span(self, server: Server, copy: ScratchDatabase) -> Span | None:
        """What the release would apply; some tools make their book when they are asked."""
        clone = server.scratch.create(like=copy)
        tool = self._tool(server, clone)
        pending = tool.pending()
        if pending:
            release, environment, own = self.new.release, self.new.environment, self.new.settings
            pending = list(ripe(self.ctx, release, environment, own, pending, self.question.old)[0])
        found = Span(self.question.stands or tool.current(), tuple(pending)) if pending else None
        server.scratch.drop(clone)
        return found

    def _tool(self, server: Server, database: ScratchDatabase) -> DatabaseTool:
        cast = self.new.on(server, database)
        tool = database_tool(
            self.ctx, cast.release, cast.environment, cast.settings, runner=self.tools.runner, files=self._read_once
        )
        assert tool is not None
        return tool

    def _read_once(self, files: Files) -> Files:
        def read(folder: str) -> dict[str, bytes]:
            with self.guard:
                if folder not in self.files:
                    self.files[folder] = files(folder)
                return self.files[folder]

        return read

    def _ways(self, server: Server, copy: ScratchDatabase, span: Span) -> tuple[Way, ...]:
        """The whole way, then each migration's own, where there are several."""
        offset = self.ctx.clock() - self.began
        way = walk(
            server.scratch, copy, lambda database: self._tool(server, database), mode=self.proving.mode,
            timeout=self.proving.timeout, span=span, fill=fill,
        )  # fmt: skip
        stages = tuple(dataclasses.replace(stage, start=stage.start + offset) for stage in way.stages)
        whole = dataclasses.replace(way, stages=stages)
        if len(span.migrations) == 1 or ends(whole):
            return (whole,)
        alone = walk_chain(
            server.scratch, lambda database, at: self._tool(server, database), span.migrations, lambda way: None, lambda line: None,
            timeout=self.proving.timeout, base=Base(copy, span.start),
        )  # fmt: skip
        return (whole, *alone.ways)

    def _old_code(self, server: Server, database: ScratchDatabase, span: Span) -> Trial:
        try:
            with limited(database, self.proving.timeout):
                self._tool(server, database).up(lambda line: None, span.end)
        except (MigrationFailed, TimeoutError) as error:
            why = f"there was no new schema to try it on: {str(error).splitlines()[0] if str(error) else 'the way up did not end'}"
            return Trial(NO_EVIDENCE, (why,))
        return try_old(server, database, self.old, self.new, self.began)

    def _new_code(self, server: Server, database: ScratchDatabase) -> Trial:
        return try_new(server, database, self.old, self.new, self.began)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = self.ctx.clock()
        yield
        self.stages.append(Stage(name, start - self.began, self.ctx.clock() - start, SUCCEEDED))
