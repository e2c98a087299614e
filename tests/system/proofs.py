"""A production where a release runs with a row in its database, and releases that might follow it.

The application is a shell that speaks to PostgreSQL. Releases are put into the ledger as runs put them, without a run each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shipway.actions.proofs.prove import prove
from shipway.app import open_context
from shipway.context import Context
from shipway.domain.plan import Environment, Scenario
from shipway.domain.proof import MigrationReport, Proof
from shipway.domain.release import DEPLOY, SUCCEEDED, Deployment, Release
from tests.system.conftest import Make
from tests.system.tiny import FIRST, Tiny
from tests.unit.world import Notes

DOCKERFILE = """\
FROM postgres:15
WORKDIR /app
COPY . .
ENTRYPOINT ["bash"]
CMD ["start"]
"""
ASK = 'psql "$DATABASE_URL" -q -v ON_ERROR_STOP=1 -c'
START = f"{ASK} 'SELECT name FROM pets' || exit 3\ntouch /tmp/ready\nexec sleep 1000\n"
ADD = f"{ASK} \"INSERT INTO pets (name) VALUES ('Rex')\"\n"
APPLICATION = {"Dockerfile": DOCKERFILE, "start": START, "add": ADD}
WRITE = {"add": Scenario("add", "web", "bash add", "write"), "give": Scenario("give", "web", "bash add", "job")}
AGE = ("ALTER TABLE pets ADD age int;", "ALTER TABLE pets DROP age;")
RENAMED = (
    "ALTER TABLE pets DROP name; ALTER TABLE pets ADD title text;",
    "ALTER TABLE pets DROP title; ALTER TABLE pets ADD name text;",
)


class Site:
    """A production where release 1 runs with a row in its database, and releases that might follow it."""

    def __init__(self, project: Tiny, ctx: Context, notes: list[str]) -> None:
        self.project, self.ctx, self.notes = project, ctx, notes
        first = ctx.ledger.release(project.app, 1)
        assert first is not None
        self.first = first
        self._folders = project.folder / "images"
        self._made = 0

    def release(
        self, way: tuple[str, str] | None = AGE, *, files: Mapping[str, str] | None = None, **prove: Any
    ) -> Release:
        """One that brings a migration (up, down; an empty down is left out), with other files and `prove` keys than the first."""
        scripts = dict(
            zip(("web/migrations/0002_next.up.sql", "web/migrations/0002_next.down.sql"), way or (), strict=False)
        )
        plan = dataclasses.replace(self.first.plan, prove=dataclasses.replace(self.first.plan.prove, **prove))
        self._made += 1
        made = dataclasses.replace(
            self.first, images={"web": self._build({**scripts, **(files or {})})}, plan=plan, digest="",
            tree=f"tree-{self._made}", schema="0002" if way else "0001",
        )  # fmt: skip
        return self.ctx.ledger.add_release(made)

    def runs(self, release: Release) -> None:
        """As if it had been deployed: its images are what runs."""
        record = Deployment(0, release.app, "production", release.number, DEPLOY, "ada", "a test", self.ctx.clock())
        number = self.ctx.ledger.begin_deployment(record)
        self.ctx.ledger.end_deployment(number, SUCCEEDED, self.ctx.clock(), release.schema, "")

    def prove(self, release: Release, *, traffic: bool = False, **how: Any) -> Proof:
        """The proof."""
        proof = prove(self.ctx, release, self.production(release), traffic=traffic, **how)
        assert proof is not None
        return proof

    def production(self, release: Release) -> Environment:
        """The environment, by the release's plan."""
        return release.plan.environments["production"]

    def left(self) -> dict[str, str]:
        """What a proof has on the engine."""
        return {
            **self.project.containers(role="proof"),
            **{name: "" for name in self.project.networks() if "_proof_" in name},
        }

    def _build(self, files: Mapping[str, str]) -> str:
        folder = self._folders / str(self._made)
        for name, text in {**{f"web/{name}": text for name, text in APPLICATION.items()}, **FIRST, **files}.items():
            if text:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text)
        return self.ctx.images.build(
            folder / "web", tags=[f"shipway-step/{self.project.app}:{self._made}"], dockerfile="Dockerfile", target=None,
            args={}, labels={}, on_line=lambda line: None,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(make: Make) -> Iterator[Site]:
    """A site that all tests share; the one that deploys comes last."""
    project = make(database=True)
    project.plan |= {
        "services": {"web": {"build": "web", "health": {"command": "test -e /tmp/ready", "timeout": "20s"}, "drain": "0s", "secrets": ["TOKEN"]}},
        "prove": {"scenarios": {
            "add": {"service": "web", "run": "bash add", "kind": "write"}, "give": {"service": "web", "run": "bash add", "kind": "job"},
        }},
    }  # fmt: skip
    project.plan["environments"]["production"] = {
        "on": {"branch": "staging"},
        "url": project.production,
        "prove": "required",
    }
    del project.plan["environments"]["staging"]
    project.protect()
    project.change("one", files={f"web/{name}": text for name, text in APPLICATION.items()})
    project.command("sh", "-c", "echo short | shipway secret set production TOKEN", check=True)
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Bella')", "production")
    notes: list[str] = []
    with open_context(project.home, Notes(notes), actor="grace@example.com") as ctx:
        yield Site(project, ctx, notes)


def way_of(proof: Proof) -> MigrationReport:
    assert proof.way is not None
    return proof.way
