"""The usual flows of a team: the accepted path, the attack, and the way out of a lockout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from examples.project import GRACE
from shipway.domain.errors import EdgeError, GateRefused, PlanError, RepositoryError
from tests import prepared
from tests.postgres import running_server
from tests.system.flows import Team

pytestmark = pytest.mark.engine

GATE, REPOSITORY = GateRefused.exit_code, RepositoryError.exit_code
Teams = Callable[..., Team]
APPROVED = {"count": 1, "not": "author"}


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Teams]:
    made: list[Team] = []

    def make(*, hook: bool = False, branch: str = "main", remote: bool = True, **environments: dict[str, Any]) -> Team:
        made.append(Team(tmp_path / f"team{len(made)}", **environments))
        made[-1].create(hook=hook, branch=branch, remote=remote)
        return made[-1]

    yield make
    for item in made:
        item.destroy()
        assert item.containers() == {}


def test_github_flow(team: Teams) -> None:
    shop = team(
        staging={"on": {"branch": "main"}},
        production={"on": {"tag": "v*", "branch": "main"}, "after": "staging", "approvals": APPROVED},
    )
    shop.does(("rules",), 0, "is not registered yet: `shipway run` registers shipway.yaml of file://")
    assert "is registered: shipway.yaml of file://" in shop.run("main", 0, "staging: rules of main at")
    shop.git("tag", "v1")
    shop.push("v1")
    shop.run(
        "v1",
        GATE,
        "needs 1 approval",
        "goes out automatically: ask another person to run: shipway approve production r1",
    )
    assert "goes out now" in shop.shipway("--as", GRACE, "approve", "production").output
    assert shop.live("production") == 1
    shop.does(("history", "production"), 0, f"{GRACE} (claimed)")

    # The attack: a feature branch that names itself, and one that drops the approvals where it is merged and tagged.
    shop.branch("feature/evil")
    shop.commit("evil", on={"branch": "feature/evil"}, approvals=None, after=None)
    shop.push("feature/evil")
    shop.run(
        "feature/evil",
        0,
        "deploys nothing",
        "branch feature/evil",
        "tag 'v*', branch main",
        "shipway rules accept production",
    )
    shop.does(("deploy", "production", "feature/evil"), GATE, "accepts only revisions with a tag like 'v*'")
    assert (shop.live("production"), shop.releases()) == (1, 1)
    shop.git("switch", "--quiet", "main")
    shop.commit("two", approvals=None)
    shop.git("tag", "v2")
    shop.run(
        "main", GATE, "checks only", f"is not in {shop.address}: push it first", "git push, then: shipway run main"
    )
    shop.push("main", "v2")
    shop.run("main")
    shop.run("v2", GATE, "needs 1 approval", "(a rule of release 1, which runs there)", "The rules differ:")
    assert shop.live("production") == 1

    # The lockout: rules that no team of two can meet came to production.
    shop.shipway("--as", GRACE, "approve", "production")
    shop.commit("three", approvals={"count": 5})
    shop.git("tag", "v3")
    shop.push("main", "v3")
    shop.run("main")
    shop.run("v3", GATE, "needs 5 approvals")
    done = shop.does(
        ("rules", "accept", "production", "v1", "--reason", "we are two"),
        0,
        "accepted the rules of v1 for production of",
        "we are two",
    )
    assert "approvals  1, not author" in done, done
    done = shop.shipway("--as", GRACE, "approve", "production").output  # v3 waits, and goes out by the accepted rules
    assert "approvals: none → 5" in done, done
    assert shop.live("production") == 3


def test_gitflow(team: Teams) -> None:
    shop = team(
        branch="develop",
        staging={"on": {"branch": ["develop", "release/*", "hotfix/*"]}},
        production={"on": {"tag": {"match": "v*", "except": "*-rc*"}, "branch": "main"}, "after": "staging"},
    )
    shop.git("branch", "main")
    shop.push("main")
    shop.run("develop", 0, "protected branch develop", "if main is the reviewed branch, protect main instead")
    shop.does(("rules", "register", "--protected", "main", "--reason", "reviewed"), 0, "protected branch main")
    shop.branch("release/1.0")
    shop.commit("one")
    shop.push("release/1.0")
    shop.run("release/1.0", 0, "staging: rules of")
    shop.git("switch", "--quiet", "main")
    shop.git("merge", "--quiet", "--no-ff", "--message", "Release 1.0", "release/1.0")
    shop.git("tag", "v1.0.0-rc1")
    shop.git("tag", "v1.0.0")
    shop.push("main", "v1.0.0-rc1", "v1.0.0")
    shop.run("v1.0.0-rc1", 0, "the tag v1.0.0-rc1 deploys no environment")
    shop.run("v1.0.0", 0)
    assert shop.status("production")["versions"] == ["v1.0.0"]

    # The attack: a branch below another name, and a tag on a commit that is on no protected branch.
    shop.branch("feature/release/9")
    revision = shop.commit("evil")
    shop.git("tag", "v9.0.0")
    shop.push("feature/release/9", "v9.0.0")
    assert "feature/release/9 deploys no environment" in shop.run("feature/release/9")
    shop.run("v9.0.0", GATE, "production accepts only revisions on branch 'main'", "is on feature/release/9")
    assert shop.git("rev-parse", "v9.0.0").output.strip() == revision

    # The lockout: the protected branch got another name.
    shop.git("switch", "--quiet", "main")
    shop.git("branch", "--move", "trunk")
    shop.push("trunk", ":main")
    shop.git("switch", "--quiet", "develop")
    shop.run("develop", GATE, "has no branch main", "shipway rules accept staging develop")
    shop.does(("rules", "register", "--protected", "trunk", "--reason", "renamed"), 0)
    shop.run("develop", 0)


def test_several_apps_in_one_repository(team: Teams) -> None:
    """One plan in its root; another repository with the same `app:` takes nothing over."""
    shop = team(staging={"on": {"branch": "main"}})
    shop.plan["services"] = {
        name: {**shop.plan["services"]["web"], "route": route} for name, route in (("api", "/api"), ("site", "/"))
    }  # fmt: skip
    shop.commit("two")
    shop.push("main")
    shop.run("main")
    assert len(shop.containers(role="service")) == 2

    # Another app, of another ledger, claims the address.
    third = team(staging={"on": {"branch": "main"}, "url": shop.staging})
    served = f"{shop.staging}/ is already served by staging of {shop.app}"
    third.does(("check",), 0, served)
    third.run(
        "main",
        EdgeError.exit_code,
        f"{served} of another ledger",
        "Nothing was changed",
        f"shipway destroy staging --app {shop.app}",
    )
    assert third.containers() == {}
    assert shop.answer() == "hello"

    other = team(staging={"on": {"branch": "main"}})
    other.plan |= {"app": shop.app}
    other.env["SHIPWAY_HOME"] = shop.env["SHIPWAY_HOME"]
    other.commit("evil")
    other.push("main")
    said = (
        f"{shop.app} is bound to shipway.yaml of {shop.address}, but this is shipway.yaml of {other.address}",
        "its own `app:`",
    )
    other.run("main", GATE, *said)
    other.does(("deploy", "staging", "main"), GATE, *said)
    other.git("remote", "add", "upstream", shop.address)  # a fork: its commits are not in the app's repository
    other.does(("deploy", "staging", "main"), GATE, "push it first")
    other.git("remote", "remove", "upstream")
    assert shop.live("staging") == 1

    # The way out: the repository has moved.
    other.does(("rules", "register", "--reason", "moved"), 0, f"is registered: shipway.yaml of {other.address}")
    other.run("main", 0)
    shop.run("main", GATE, f"is bound to shipway.yaml of {other.address}")
    other.plan["app"] = other.app


def test_a_bare_repository_with_the_hook(team: Teams) -> None:
    shop = team(
        hook=True,
        staging={"on": {"branch": "main"}},
        production={"on": {"tag": "v*", "branch": "main"}, "after": "staging", "approvals": APPROVED},
    )
    assert (
        f"shipway.yaml of {shop.remote}, protected branch main"
        in shop.shipway("init", "--hook", str(shop.remote)).output
    )
    shop.commit("two")
    pushed = shop.git("push", "origin", "main").output
    assert "staging: rules of main at" in pushed
    shop.git("tag", "v1")
    assert "goes out automatically" in shop.git("push", "origin", "v1").output
    assert "goes out now" in shop.shipway("--as", GRACE, "approve", "production").output
    shop.does(("deploy", "production", "v1"), 0, "nothing to do")  # a clone of it is the same repository

    shop.branch("feature/evil")
    shop.commit("evil", on={"branch": "feature/evil"}, approvals=None, after=None)
    assert "deploys nothing" in shop.git("push", "origin", "feature/evil").output
    assert (shop.live("production"), shop.releases()) == (1, 1)

    # The lockout: the protected plan can't be read any more.
    shop.git("switch", "--quiet", "main")
    good = shop.commit("three")
    shop.git("push", "origin", "main")
    shop.write({"shipway.yaml": "app: [\n"})
    shop.git("commit", "--quiet", "--all", "--message", "Broken")
    shop.git("push", "origin", "main")
    shop.git("reset", "--quiet", "--hard", good)
    shop.does(("deploy", "staging", "v1"), GATE, "there are no rules for staging: its shipway.yaml is not valid")
    shop.does(("rules", "accept", "staging", good, "--reason", "a broken plan on main"), 0)
    shop.does(("deploy", "staging", "v1"), 0)
    assert shop.live("staging") == 1
    shop.git("push", "--force", "origin", "main")
    assert shop.live("staging") == 2


def test_a_laptop_without_a_remote(team: Teams) -> None:
    shop = team(
        remote=False,
        staging={"on": {"branch": "staging"}},
        production={"on": {"branch": "release"}, "after": "staging"},
    )
    shop.branch("staging")
    shop.run(
        "staging",
        0,
        "this repository has no remote: its own branch main defines the rules in force",
        "staging: rules of main at",
    )
    shop.branch("evil")
    shop.commit("evil", on={"branch": "evil"}, after=None)
    shop.run("evil", 0, "deploys nothing", "branch release")
    assert shop.live("production") is None
    shop.plan["environments"]["preview"] = {
        "url": shop.production.replace("//", "//preview."),
        "on": {"branch": "preview"},
    }
    shop.branch("preview")
    shop.commit("preview")
    shop.run("preview", 0, "deploys nothing")
    shop.does(("deploy", "preview"), GATE, "has no environment preview", "shipway rules accept preview")
    assert shop.live("preview") is None

    # The way out: what one person decides is recorded.
    shop.does(("rules", "accept", "preview", "--reason", "mine"), 0)
    shop.run("preview", 0, "preview: rules of accepted by")
    assert "accepted by" in shop.shipway("rules").output
    shop.git("switch", "--quiet", "main")
    shop.commit("other")  # with a preview: now the branch itself has the rule
    shop.does(("deploy", "preview", "preview"), 0, "nothing to do")


def test_a_plan_that_is_not_there(team: Teams) -> None:
    shop = team(staging={"on": {"branch": "main"}})
    shop.git("rm", "--quiet", "shipway.yaml")
    shop.git("commit", "--quiet", "--message", "No plan")
    shop.push("main")
    shop.run("main", PlanError.exit_code, "there is no shipway.yaml in")


class Jobs:
    """Each job has a clone with one commit alone, a fresh home, and the team's ledger."""

    def __init__(self, team: Team, ledger: str) -> None:
        self.team, self.ledger, self.number = team, ledger, 0
        team.env["SHIPWAY_LEDGER"] = ledger

    def clone(self, ref: str) -> Path:
        """What a hosted job checks out."""
        self.number += 1
        folder = self.team.folder / f"job{self.number}"
        self.team.git("clone", "--quiet", "--depth=1", f"--branch={ref}", self.team.address, str(folder))
        return folder

    def run(self, folder: Path, *args: str, code: int = 0, says: Sequence[str] = ()) -> str:
        """A command in it."""
        env = {**self.team.env, "SHIPWAY_HOME": str(folder.with_suffix(".home")), "SHIPWAY_ACTOR": "ci@example.org"}
        done = prepared.run(args, folder, env, merged=False)
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        for words in says:
            assert words in output, f"no {words!r} in:\n{output}"
        return output


def test_a_shallow_clone_with_a_fresh_home_for_each_job(team: Teams) -> None:
    with running_server() as server:
        shop = team(
            staging={"on": {"branch": "main"}}, production={"on": {"tag": "v*", "branch": "main"}, "after": "staging"}
        )
        jobs = Jobs(shop, f"{server}/postgres")
        jobs.run(jobs.clone("main"), "run", "main", says=["is registered", "staging: rules of main at"])
        shop.git("tag", "v1")
        shop.commit("two")
        shop.push("main", "v1")
        jobs.run(jobs.clone("v1"), "run", "v1")  # a commit of main that is not its tip, in a clone without history
        assert shop.live("production") == 1

        # The attack: a step before Shipway writes refs into the clone.
        shop.branch("feature/evil")
        shop.commit("evil", after=None)
        shop.push("feature/evil")
        evil = jobs.clone("feature/evil")
        for ref in ("refs/heads/main", "refs/remotes/origin/main", "refs/tags/v2"):
            shop.git("-C", str(evil), "update-ref", ref, "HEAD")
        jobs.run(
            evil,
            "run",
            "main",
            code=GATE,
            says=["staging accepts only revisions on branch 'main'", "is on feature/evil"],
        )
        jobs.run(evil, "run", "v2", code=GATE, says=["accepts only revisions with a tag like 'v*'"])
        assert (shop.live("staging"), shop.live("production")) == (1, 1)

        # An older job that ends last deploys nothing over a newer one.
        older = jobs.clone("main")
        shop.git("switch", "--quiet", "main")
        shop.commit("three")
        shop.push("main")
        jobs.run(jobs.clone("main"), "run", "main")
        newest = shop.live("staging")
        jobs.run(older, "run", "main", says=["is superseded and was not deployed"])
        assert shop.live("staging") == newest
        assert shop.deployments("staging")[0]["outcome"] == "superseded"

        # The lockout: the protected branch got another name.
        shop.plan["environments"]["staging"]["on"] = {"branch": "trunk"}
        shop.git("-C", str(shop.remote), "branch", "--move", "main", "trunk")
        shop.branch("trunk")
        shop.commit("four")
        shop.push("trunk")
        renamed = jobs.clone("trunk")
        jobs.run(renamed, "run", "trunk", says=["deploys nothing", "shipway rules accept staging --reason TEXT"])
        jobs.run(renamed, "rules", "accept", "staging", "--reason", "main is called trunk")
        jobs.run(
            jobs.clone("trunk"),
            "run",
            "trunk",
            says=["staging: rules of accepted by ci@example.org: main is called trunk"],
        )
        assert shop.live("staging") not in (1, newest)

        # The repository can't be reached: nothing is deployed, and a rollback needs only the ledger.
        last = jobs.clone("trunk")
        shop.remote.rename(shop.remote.with_name("away.git"))
        jobs.run(last, "run", "trunk", code=REPOSITORY, says=["can't be read", "rollbacks don't"])
        jobs.run(last, "rollback", "staging")
        assert shop.live("staging") == newest
        shop.destroy()  # while its ledger is there
