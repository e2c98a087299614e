"""A team's repository with a remote, whose staging was validated, and the command line on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shipway.actions.projects.plans import of_plan
from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import Plan
from shipway.domain.registration import Registration
from shipway.domain.release import PENDING, SUCCEEDED, Approval, Deployment, Evidence, Release
from shipway.planfile import parse
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import ADA, git, repository
from tests.unit.system.repositories import commit as commit_files
from tests.unit.world import World

GRACE = "grace@example.org"
STAGING = {"on": {"branch": "staging"}, "url": "http://staging.localhost:8080"}
PRODUCTION = {"on": {"tag": "v*", "branch": "main"}, "after": "staging", "url": "http://localhost:8080"}
LOG = "CHANGELOG.md"


def plan_text(**more: Any) -> str:
    """A plan with staging and production, and what is given instead."""
    environments = {"staging": STAGING, "production": PRODUCTION}
    return json.dumps({"app": "shop", "services": {"web": {"image": "caddy:2"}}, "environments": environments, **more})


class Shop:
    """On main with a plan, pushed; v1.0.0 is the newest version and runs in production. One commit since, `feat: a cart`, is
    validated on staging and merged to main."""

    def __init__(self, folder: Path, world: World, *, remote: bool) -> None:
        """Where it is; `create` makes it."""
        self.folder, self.remote, self.path = folder, folder / "remote.git", folder / "clone"
        self.world, self.has_remote = world, remote
        self.ctx: Context = replace(world.controller(), repository=lambda: Repository(self.path))

    @classmethod
    def create(
        cls, folder: Path, *, remote: bool = True, text: str = "", files: Mapping[str, str] | None = None
    ) -> Shop:
        """A new one."""
        made = cls(folder, World(folder / "world"), remote=remote)
        repository(made.path, {"shipway.yaml": text or plan_text(), **(files or {})})
        for name, value in {"user.email": ADA, "user.name": "Ada"}.items():
            git(made.path, "config", name, value)
        if remote:
            git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(made.remote))
            git(made.path, "remote", "add", "origin", str(made.remote))
        git(made.path, "branch", "staging")
        git(made.path, "tag", "--annotate", "--message", "first", "v1.0.0")
        made.push("main", "staging", "v1.0.0")
        made.recorded(made.deployed(made.validated(), "production"), "v1.0.0")
        made.change("feat: a cart")
        return made

    def copy(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
        """One that is as this one is now, on which the command line works."""
        made = Shop(folder, self.world.copy(folder / "world"), remote=self.has_remote)
        for name in ("clone", "remote.git") if self.has_remote else ("clone",):
            shutil.copytree(self.folder / name, folder / name)
        settings = made.path / ".git" / "config"
        settings.write_text(settings.read_text().replace(str(self.remote), str(made.remote)))
        where = made.remote if self.has_remote else made.path
        made.ctx.ledger.register(Registration("shop", str(where), "shipway.yaml", "main", "", ADA, 1.0))

        @contextmanager
        def opened(home: object, reporter: Any, **more: object) -> Iterator[Context]:
            yield replace(made.ctx, reporter=reporter)

        monkeypatch.setattr("shipway.app.open_context", opened)
        monkeypatch.chdir(made.path)
        return made

    def push(self, *refs: str) -> None:
        if self.has_remote:
            git(self.path, "push", "--quiet", "origin", *refs)

    def commit(self, message: str, files: Mapping[str, str] | None = None) -> str:
        """On the branch that is checked out."""
        return commit_files(self.path, files or {"app": message}, message)

    def change(self, message: str, files: Mapping[str, str] | None = None) -> str:
        """A commit that staging validates, and that is merged to main and pushed."""
        git(self.path, "switch", "--quiet", "staging")
        self.commit(message, files)
        self.validated()
        return self.merge()

    def merge(self) -> str:
        """staging to main, both pushed; main is checked out."""
        git(self.path, "switch", "--quiet", "main")
        git(self.path, "merge", "--quiet", "--ff-only", "staging")
        self.push("main", "staging")
        return git(self.path, "rev-parse", "HEAD")

    def plan(self) -> Plan:
        text = git(self.path, "show", "HEAD:shipway.yaml")
        return parse(text, "shipway.yaml", files=lambda path: True)

    def validated(self) -> Release:
        """A release of HEAD was deployed to staging."""
        found = Repository(self.path)
        seen = of_plan(found, found.commit("HEAD"), self.plan())
        number = len(self.ctx.ledger.releases("shop")) + 1
        made = replace(
            samples.release(number), revision=seen.revision, tree=seen.tree, plan=self.plan(), digest="",
            images={"web": f"registry/shop/web@sha256:{number:064d}"}, subject=seen.subject,
        )  # fmt: skip
        return self.deployed(self.ctx.ledger.add_release(made), "staging")

    def deployed(self, made: Release, environment: str, outcome: str = SUCCEEDED) -> Release:
        record = Deployment(0, "shop", environment, made.number, "deploy", ADA, "", self.ctx.clock())
        id = self.ctx.ledger.begin_deployment(record)
        if outcome != PENDING:
            self.ctx.ledger.end_deployment(id, outcome, self.ctx.clock(), made.schema, "")
        return made

    def recorded(self, made: Release, version: str) -> None:
        """It was deployed to production by this tag."""
        self.ctx.ledger.add_evidence(
            Evidence("shop", made.number, "production", "version", version, True, "", self.ctx.clock())
        )

    def approve(self) -> None:
        """Grace approves the newest release for production."""
        made = self.ctx.ledger.releases("shop")[0]
        self.ctx.ledger.add_approval(
            Approval("shop", "production", made.number, made.digest, GRACE, "", self.ctx.clock())
        )

    def call(self, *words: str, fails: type[ShipwayError] | None = None, typed: str = "") -> str:
        """`shipway release`; what it prints, and what it says if it fails."""
        done = CliRunner().invoke(cli, ["--home", str(self.folder / "home"), "release", *words], input=typed)
        error = done.exception
        if fails is None:
            if isinstance(error, ShipwayError):
                raise error
            assert done.exit_code == 0, (done.output, error)
            return done.output
        assert isinstance(error, ShipwayError), done.output
        assert type(error) is fails, error.message
        return f"{done.output}\n{error.message}\n{error.hint}"

    def json(self, *words: str) -> dict[str, Any]:
        done = CliRunner().invoke(cli, ["--home", str(self.folder / "home"), "release", *words, "--json"])
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def tags(self, path: Path | None = None) -> dict[str, str]:
        """Tags and their commits, in the clone or elsewhere."""
        listed = git(
            path or self.path, "for-each-ref", "--format=%(refname:short) %(*objectname)%(objecttype)", "refs/tags"
        ).splitlines()
        return {name: rest.removesuffix("tag") for name, rest in (line.split(" ") for line in listed)}

    def there(self) -> dict[str, str]:
        """Those of the remote."""
        return self.tags(self.remote)

    def lose_remote(self) -> None:
        shutil.move(self.remote, self.folder / "away.git")
