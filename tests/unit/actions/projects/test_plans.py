"""Several plans in one repository: found, read, limited to their own files, and run only if these changed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import admitted, superseded_by
from shipway.actions.environment.find_release import revision_of, which_release
from shipway.actions.projects.authors import Provenance, authors
from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.actions.projects.plans import of_plan, plan_at, plan_files, plans_to_run
from shipway.actions.projects.register import register_again, register_hook
from shipway.actions.runs.unchanged import unchanged
from shipway.app import parse_plan, project_source
from shipway.domain.errors import GateRefused, PlanError, RepositoryError, UsageError
from shipway.domain.inputs import inputs_of
from shipway.domain.mailmap import Mailmap
from shipway.domain.plan import Plan
from shipway.domain.release import DEPLOY, ROLLBACK, SUCCEEDED, Commit, Deployment, Release, Trigger
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import committed, git, neutral, repository
from tests.unit.world import World

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
SHOP, BLOG = "apps/shop/shipway.yaml", "apps/blog/shipway.yaml"


def text(app: str, **keys: object) -> str:
    plan = {
        "app": app,
        "services": {"web": {"build": "web"}},
        "pipeline": {"unit": {"image": "python:3", "run": "pytest", "inputs": ["../../shared/tests", "web"]}},
        "environments": {"staging": {"on": {"branch": "main"}, "url": f"http://{app}.localhost:8080"}},
    }
    return json.dumps({**plan, **keys})


class Monorepo:
    """A repository with the plans of a shop, which has inputs, and of a blog, which has none."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "world")
        self.ctx = self.world.controller()
        self.path = repository(folder / "work", {
            SHOP: text("shop", inputs=["../../shared"]), BLOG: text("blog"), "apps/shop/web/Dockerfile": "FROM x\n",
            "apps/blog/web/Dockerfile": "FROM x\n", "shared/lib.py": "1\n", "README": "1\n",
        })  # fmt: skip
        self.repository = Repository(self.path)

    def write(self, files: dict[str, str | None], who: str = "ada@example.org") -> str:
        for name, content in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                (self.path / name).unlink()
            else:
                (self.path / name).write_text(content)
        git(self.path, "add", "--all")
        git(self.path, "commit", "--quiet", "--message", ", ".join(files), "--author", f"X <{who}>")
        return committed(self.path)

    def plan(self, file: str = SHOP) -> Plan:
        return plan_at(self.repository, self.repository.commit("HEAD"), parse_plan, file)

    def seen(self, file: str = SHOP) -> Commit:
        return of_plan(self.repository, self.repository.commit("HEAD"), self.plan(file))

    def book(self, file: str = SHOP) -> Rulebook:
        return read_rules(self.ctx, self.repository, self.plan(file), parse_plan)

    def unchanged(self, file: str = SHOP, ref: str = "refs/heads/main") -> str:
        plan, trigger = self.plan(file), Trigger("push", ref, "ada")
        return unchanged(self.ctx, self.seen(file), plan, trigger, partial(self.book, file))

    def release(self, file: str = SHOP) -> Release:
        commit, plan = self.seen(file), self.plan(file)
        made = dataclasses.replace(
            samples.release(), app=plan.app, revision=commit.revision, tree=commit.tree, plan=plan, digest=""
        )
        return self.ctx.ledger.add_release(made)

    def deploys(self, release: Release, kind: str = DEPLOY) -> None:
        record = Deployment(0, release.app, "staging", release.number, kind, "ada", "", self.ctx.clock())
        self.ctx.ledger.end_deployment(self.ctx.ledger.begin_deployment(record), SUCCEEDED, self.ctx.clock(), None, "")


@pytest.fixture
def mono(tmp_path: Path) -> Iterator[Monorepo]:
    made = Monorepo(tmp_path)
    yield made
    made.world.close()


def test_which_plans_are_found(mono: Monorepo) -> None:
    mono.write(
        {"node_modules/x/shipway.yaml": "app: x\n", "a/b/c/shipway.yaml": "app: c\n", ".x/shipway.yaml": "app: y\n"}
    )
    assert plan_files(mono.repository, "HEAD") == [BLOG, SHOP]
    with pytest.raises(PlanError, match=f"there are 2 plans in .*\n  {BLOG}\n  {SHOP}") as caught:
        plan_at(mono.repository, mono.repository.commit("HEAD"), parse_plan)
    assert "--plan PATH" in caught.value.hint
    with pytest.raises(PlanError, match=f"no apps/none/shipway.yaml in .*; it has: {BLOG}, {SHOP}"):
        plan_at(mono.repository, mono.repository.commit("HEAD"), parse_plan, "apps/none/shipway.yaml")
    mono.write({"shipway.yaml": text("root", services={"web": {"image": "caddy:2"}})})
    assert plan_files(mono.repository, "HEAD") == ["shipway.yaml"], "the others may be examples"
    register_again(mono.ctx, mono.repository, mono.plan(BLOG), None, "a second app")
    assert plans_to_run(mono.ctx, mono.repository, "HEAD") == ["shipway.yaml", BLOG]


def test_paths_are_relative_to_the_plan(mono: Monorepo) -> None:
    plan = mono.plan()
    assert (plan.file, plan.inputs) == (SHOP, ("shared",))
    assert plan.services["web"].build is not None
    assert plan.services["web"].build.folder == "apps/shop/web"
    assert plan.pipeline["unit"].inputs == ("shared/tests", "apps/shop/web")
    assert set(inputs_of(plan)) >= {SHOP, "shared", "shared/tests", "apps/shop/web"}
    assert inputs_of(mono.plan(BLOG)) == (), "by default the whole repository"
    mono.write({SHOP: text("shop", inputs=["../../../outside"])})
    with pytest.raises(PlanError, match="1 error"):
        mono.plan()


def test_a_tree_is_that_of_the_inputs(mono: Monorepo) -> None:
    first, blog = mono.seen().tree, mono.seen(BLOG).tree
    mono.write({"README": "2\n", "apps/blog/web/Dockerfile": "FROM y\n"})
    assert mono.seen().tree == first
    assert mono.seen(BLOG).tree == git(mono.path, "rev-parse", "HEAD^{tree}").strip() != blog
    mono.write({"shared/lib.py": "2\n"})
    second = mono.seen().tree
    assert second != first
    mono.write({SHOP: text("shop", inputs=["nothing"])})
    assert mono.seen().tree not in (first, second), "who narrows the inputs changes the plan, which is an input"


def test_only_apps_whose_inputs_changed_run(mono: Monorepo) -> None:
    for file in (SHOP, BLOG):
        assert mono.unchanged(file) == ""
        mono.deploys(mono.release(file))
    mono.write({"README": "2\n"})
    assert mono.unchanged() == "shop: unchanged since release 1, which was deployed to staging"
    assert mono.unchanged(BLOG) == "", "all of the repository is its input"
    mono.write({"apps/shop/web/Dockerfile": "FROM y\n"})
    assert mono.unchanged() == ""
    mono.deploys(mono.release())
    mono.deploys(mono.ctx.ledger.releases("shop", limit=2)[1], ROLLBACK)
    mono.write({"README": "3\n"})
    assert "release 2" in mono.unchanged(), "a push of others does not undo a rollback"
    mono.write({SHOP: text("shop", inputs=["../../nothing"])})
    assert mono.unchanged() == "", "narrowed inputs are a change"


def test_checks_of_a_branch_run_once_for_the_same_inputs(mono: Monorepo) -> None:
    mono.book()
    git(mono.path, "switch", "--quiet", "--create", "feature")
    ref, ledger = "refs/heads/feature", mono.ctx.ledger
    for kind in ("manual", "push"):
        assert mono.unchanged(ref=ref) == "", "a person may have run a single step"
        commit = mono.seen()
        number = ledger.begin_run("shop", commit.revision, commit.tree, Trigger(kind, ref, "ada"), 1.0)
        ledger.end_run(number, SUCCEEDED, 2.0)
    mono.write({"README": "2\n"})
    assert mono.unchanged(ref=ref) == f"shop: unchanged since run {number}"


def test_each_app_is_registered_by_its_own_plan(mono: Monorepo) -> None:
    made = register_hook(mono.ctx, mono.repository, None, parse_plan)
    assert {item.app: item.plan for item in made} == {"shop": SHOP, "blog": BLOG}
    assert mono.book().plan == mono.plan()
    git(mono.path, "switch", "--quiet", "--create", "evil")
    mono.write(
        {
            "apps/evil/shipway.yaml": text(
                "evil", environments={"e": {"url": "http://e.localhost", "on": {"branch": "evil"}}}
            )
        }
    )
    mono.write({"apps/evil/web/Dockerfile": "FROM x\n"})
    with pytest.raises(
        GateRefused, match="evil is a new app of this repository, whose protected branch main has no"
    ) as caught:
        mono.book("apps/evil/shipway.yaml")
    assert "shipway rules register --plan apps/evil/shipway.yaml" in caught.value.hint
    assert mono.ctx.ledger.registration("evil") is None
    mono.write({"apps/evil/shipway.yaml": text("shop")})
    with pytest.raises(GateRefused, match=f"shop is bound to {SHOP} of .*, but this is apps/evil/shipway.yaml of"):
        mono.book("apps/evil/shipway.yaml")
    register_again(mono.ctx, mono.repository, dataclasses.replace(mono.plan(), app="evil"), "main", "an operator")
    assert mono.ctx.ledger.registration("evil") is not None


def test_authors_are_those_of_the_inputs(mono: Monorepo) -> None:
    before = mono.release()
    mono.deploys(before)
    mono.write({"README": "2\n"}, "bob@example.org")
    mono.write({"apps/blog/web/Dockerfile": "FROM y\n"}, "eve@example.org")
    mono.write({"shared/lib.py": "2\n"}, "carol@example.org")
    source = Provenance(mono.repository, None, "here", "", Mailmap())
    after = mono.release()
    assert set(authors(mono.ctx, source, "staging", after).people) == {"carol@example.org"}
    mono.write({SHOP: text("shop", inputs=["../../nothing"]), "shared/lib.py": "3\n"}, "mallory@example.org")
    mono.write({"shared/lib.py": "4\n"}, "trudy@example.org")
    narrowed = mono.release()
    assert set(authors(mono.ctx, source, "staging", narrowed).people) == {
        "carol@example.org", "mallory@example.org", "trudy@example.org",
    }, "a release that narrows its inputs hides no author"  # fmt: skip


def test_a_new_app_has_the_protected_branch_of_the_others(mono: Monorepo, tmp_path: Path) -> None:
    """HEAD of the remote may be a branch that anyone pushes to: a person has protected another one."""
    git(tmp_path, "clone", "--quiet", "--bare", str(mono.path), "bare.git")
    bare = Repository(tmp_path / "bare.git")
    git(bare.path, "branch", "develop", "main")
    git(bare.path, "symbolic-ref", "HEAD", "refs/heads/develop")
    register_again(mono.ctx, bare, mono.plan(), "main", "main is the reviewed branch")
    git(mono.path, "switch", "--quiet", "--create", "develop")
    evil = "apps/evil/shipway.yaml"
    mono.write({evil: text("evil"), "apps/evil/web/Dockerfile": "FROM x\n"})
    git(mono.path, "push", "--quiet", str(bare.path), "develop")
    with pytest.raises(GateRefused, match="whose protected branch main has no apps/evil"):
        read_rules(mono.ctx, bare, mono.plan(evil), parse_plan)
    made = register_hook(mono.ctx, bare, None, parse_plan)
    assert {item.app: item.branch for item in made} == {"shop": "main", "blog": "main"}


@pytest.mark.parametrize("inputs", [{"inputs": ["../../shared", "../../later"]}, {}])
def test_a_file_that_becomes_an_input_brings_its_author(mono: Monorepo, inputs: dict[str, object]) -> None:
    """Its commit leaves the deployed inputs as they are, and is no less part of the release."""
    mono.deploys(mono.release())
    mono.write({"later/lib.py": "1\n"}, "mallory@example.org")
    mono.write({SHOP: text("shop", **inputs)}, "carol@example.org")
    source = Provenance(mono.repository, None, "here", "", Mailmap())
    found = set(authors(mono.ctx, source, "staging", mono.release()).people)
    assert found == {"mallory@example.org", "carol@example.org"}


def test_the_release_that_was_validated_has_the_same_inputs(mono: Monorepo) -> None:
    production = {"on": "manual", "after": "staging", "url": "http://shop.localhost:8080"}
    staging = {"on": {"branch": "main"}, "url": "http://staging.shop.localhost:8080"}
    both = {"staging": staging, "production": production}
    first = mono.write({SHOP: text("shop", inputs=["../../shared"], environments=both)})
    release = mono.release()
    mono.deploys(release)
    mono.write({"README": "2\n", "apps/blog/web/Dockerfile": "FROM y\n"})

    def order() -> Release:
        book = mono.book()
        return admitted(mono.ctx, mono.seen(), "shop", book, book.of(mono.ctx, "production")).release

    assert order() == release, "of another commit with the same inputs"
    mono.write({"shared/lib.py": "2\n"})
    with pytest.raises(GateRefused, match="no release was built from the tree"):
        order()
    mono.deploys(mono.release())
    book = mono.book()
    late = of_plan(mono.repository, mono.repository.commit(first), mono.plan())
    why = superseded_by(book, book.of(mono.ctx, "staging"), late, "refs/heads/main", "shop")(mono.ctx)
    assert why.startswith("main has newer commits, and release 2 of"), why
    mono.write({"README": "3\n"})
    seen = mono.seen()
    assert superseded_by(book, book.of(mono.ctx, "staging"), seen, "refs/heads/main", "shop")(mono.ctx) == ""


def test_a_bare_repository_with_several_apps(mono: Monorepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(mono.path), "bare.git")
    register_hook(mono.ctx, Repository(tmp_path / "bare.git"), None, parse_plan)
    monkeypatch.chdir(tmp_path / "bare.git")
    with pytest.raises(PlanError, match="this repository has several apps") as caught:
        project_source(tmp_path / "home", mono.ctx, None).plan()
    assert "--app NAME, or --plan PATH" in caught.value.hint
    for name, path, file in (("shop", None, SHOP), (None, Path(BLOG), BLOG), ("blog", None, BLOG)):
        assert project_source(tmp_path / "home", mono.ctx, name, path).plan().file == file
    mono.write({"README": "2\n", BLOG: None})
    assert plans_to_run(mono.ctx, Repository(tmp_path / "bare.git"), "HEAD") == [BLOG, SHOP]
    git(mono.path, "push", "--quiet", str(tmp_path / "bare.git"), "HEAD:main")
    assert plans_to_run(mono.ctx, Repository(tmp_path / "bare.git"), "main") == [SHOP]
    assert mono.world.notes[-1] == f"blog: main has no {BLOG}, so nothing runs"


def test_a_forged_tree_hides_no_author(mono: Monorepo) -> None:
    mono.deploys(mono.release())
    clean = git(mono.path, "rev-parse", "HEAD:shared").strip()
    mono.write({"shared/lib.py": "2\n"}, "mallory@example.org")
    release, source = mono.release(), Provenance(mono.repository, None, "here", "", Mailmap())
    assert set(authors(mono.ctx, source, "staging", release).people) == {"mallory@example.org"}
    changed = git(mono.path, "rev-parse", "HEAD:shared").strip()
    assert clean != changed
    objects = mono.path / ".git/objects"
    (objects / changed[:2] / changed[2:]).unlink()
    (objects / changed[:2] / changed[2:]).write_bytes((objects / clean[:2] / clean[2:]).read_bytes())
    root = git(mono.path, "rev-parse", "HEAD^{tree}").strip()
    before = git(mono.path, "rev-parse", "HEAD~1^{tree}").strip()
    (objects / root[:2] / root[2:]).unlink()
    (objects / root[:2] / root[2:]).write_bytes((objects / before[:2] / before[2:]).read_bytes())
    with pytest.raises(RepositoryError):
        authors(mono.ctx, source, "staging", release)


def test_a_squashed_commit_with_the_deployed_inputs_counts_as_deployed(mono: Monorepo) -> None:
    base = git(mono.path, "rev-parse", "HEAD").strip()
    mono.deploys(mono.release())
    git(mono.path, "switch", "--quiet", "--create", "feature")
    mono.write({"shared/lib.py": "2\n"}, "bob@example.org")
    mono.deploys(mono.release())
    git(mono.path, "switch", "--quiet", "main")
    assert git(mono.path, "rev-parse", "HEAD").strip() == base
    mono.write({"shared/lib.py": "2\n", "README": "squashed\n"}, "eve@example.org")
    mono.write({"shared/more.py": "1\n"}, "carol@example.org")
    source = Provenance(mono.repository, None, "here", "", Mailmap())
    assert set(authors(mono.ctx, source, "staging", mono.release()).people) == {"carol@example.org"}


def test_a_release_by_its_number_or_by_a_commit_with_the_same_inputs(mono: Monorepo) -> None:
    shop, blog = mono.release(), mono.release(BLOG)
    assert (shop.number, blog.number) == (1, 1)
    with pytest.raises(UsageError, match="r1 is a release of several apps: blog, shop") as caught:
        revision_of(mono.ctx, mono.repository, "r1")
    assert "--app NAME" in caught.value.hint
    assert revision_of(mono.ctx, mono.repository, "r1", "shop") == shop.revision
    mono.write({"README": "2\n"})
    ctx = dataclasses.replace(mono.ctx, repository=lambda: mono.repository)
    assert which_release(ctx, "shop", "HEAD", revisions=True) == shop
    assert which_release(ctx, "blog", "HEAD", revisions=True) is None, "its release is of another tree"
