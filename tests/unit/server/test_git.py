"""Repositories that the server hosts: nothing of a push is lost, and every push has its hook."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from shipway.actions.people.tokens import create_token
from shipway.actions.projects.init import HOOK_MARK
from shipway.domain.people import SESSION, Identity
from shipway.domain.permissions import ADMIN, DEVELOPER, RELEASER, Grant
from shipway.domain.registration import Registration
from shipway.server.git import UPDATE, Pusher, Repositories
from tests.unit.server.asking import ask
from tests.unit.server.site import Place
from tests.unit.system.repositories import commit, git, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]

EARLY = """#!/bin/sh
case "$*" in *http-backend*)
printf 'Content-Type: text/plain\\r\\n\\r\\n'
exec wc -c ;; esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def login(place: Place) -> str:
    """Of somebody who may push, and create repositories."""
    place.person("ada@example.com", ADMIN)
    made = create_token(place.ctx, None, "ada@example.com", "git", ["run", "webhooks"], 1)
    return "Basic " + base64.b64encode(f"me:{made.secret}".encode()).decode()


def test_no_part_of_a_push_is_lost_when_git_answers_early(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.ctx.home / "git" / "shop.git"
    (folder / "hooks").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "hooks" / "post-receive").write_text("")
    (folder / "hooks" / "pre-receive").write_text("")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(EARLY)
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    parts = [b"x" * 1000] * 50
    found = ask(place.app, "/git/shop.git/git-receive-pack", "POST", parts, authorization=login(place))
    assert (found.status, found.text.strip()) == (200, "50000")


def test_a_repository_of_which_the_hook_was_not_written_gets_it(place: Place) -> None:
    given = login(place)
    refs = "/git/shop.git/info/refs?service=git-receive-pack"
    assert ask(place.app, refs, authorization=given).status == 200
    hook = place.ctx.home / "git" / "shop.git" / "hooks" / "post-receive"
    before = hook.read_text()
    hook.unlink()  # as if the server had been killed before it wrote it
    assert ask(place.app, refs, authorization=given).status == 200
    assert hook.read_text() == before
    hook.write_text(f"#!/bin/sh\n{HOOK_MARK}\nexec shipway hook\n")  # as a former version wrote it
    assert ask(place.app, refs, authorization=given).status == 200
    assert hook.read_text() == before
    hook.write_text("#!/bin/sh\n# somebody's own\n")
    assert ask(place.app, refs, authorization=given).status == 200
    assert "own" in hook.read_text()
    assert f"hooksPath = {hook.parent}" in (hook.parent.parent / "config").read_text()


def test_the_default_branch_belongs_to_who_may_release_and_is_never_rewritten(place: Place, tmp_path: Path) -> None:
    assert ask(place.app, "/git/shop.git/info/refs?service=git-receive-pack", authorization=login(place)).status == 200
    served = place.ctx.home / "git" / "shop.git"
    (served / "hooks" / "post-receive").write_text("#!/bin/sh\n")
    work = repository(tmp_path / "work")
    git(work, "branch", "--move", "--force", "main")

    def push(may: str, *words: str, **more: str) -> str:
        env = {**os.environ, "SHIPWAY_MAY": may, **more}
        done = subprocess.run(["git", "push", *words], cwd=work, env=env, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr

    address = str(served)
    assert push("run", address, "main:refs/heads/feature") == ""
    assert "needs the permission deploy.protected" in push("run", address, "main")
    assert push("release", address, "main") == ""
    commit(work, {"file": "two"})
    assert "needs the permission deploy.protected" in push("", address, "main")
    assert push("release", address, "main") == ""
    git(work, "commit", "--quiet", "--amend", "--message", "another")
    assert "can't be rewritten" in push("release", "--force", address, "main")
    assert "deleting the current branch is denied" in push("release", address, ":main")  # by git itself
    assert push("run", "--force", address, "main:refs/heads/feature") == ""
    assert push("run", address, ":feature") == ""

    guarded = {"SHIPWAY_GUARDED": "refs/heads/develop refs/heads/master"}  # that apps are registered with
    withheld = {**guarded, "SHIPWAY_WITHHELD": "refs/heads/master"}
    assert "needs the permission deploy.protected" in push("release", address, "main:refs/heads/master", **withheld)
    assert push("run", address, "main:refs/heads/develop", **withheld) == ""
    assert push("run", address, "main:refs/heads/master", **guarded) == ""
    assert "can't be rewritten or deleted" in push("run", "--force", address, "main~1:refs/heads/master", **guarded)
    assert "can't be rewritten or deleted" in push("run", address, ":refs/heads/master", **guarded)
    assert push("run", address, "main:refs/heads/masters", **withheld) == ""
    told = {"SHIPWAY_WITHHELD": "refs/heads/main", "SHIPWAY_GUARDED": "refs/heads/main"}
    commit(work, {"file": "three"})
    assert "needs the permission deploy.protected" in push("release", "--force", address, "main", **told)


@pytest.mark.parametrize("by", ["path", "http"])
def test_the_branches_that_apps_of_a_repository_are_registered_with_are_guarded(place: Place, by: str) -> None:
    """A repository whose first branch is master keeps a HEAD of main; and each of its apps asks for its own permission."""
    bob = Identity("bob@example.com", (Grant("bob@example.com", RELEASER, "shop"),), SESSION, 1)
    folder = place.ctx.home / "git" / "shop.git"
    here = str(folder) if by == "path" else "https://ship.example.org/git/shop.git"
    for app, address, branch in [
        ("shop", here, "master"), ("billing", here, "trunk"), ("other", str(folder.with_name("other.git")), "main"),
    ]:  # fmt: skip
        place.ctx.ledger.register(Registration(app, address, "shipway.yaml", branch, "", "ada", 1.0))
    found = Repositories(place.ctx)._pusher(bob, "shop", folder)
    assert (found.guarded, found.withheld) == (("refs/heads/master", "refs/heads/trunk"), ("refs/heads/trunk",))


def test_a_guard_of_a_former_version_is_replaced(place: Place) -> None:
    given, refs = login(place), "/git/shop.git/info/refs?service=git-receive-pack"
    assert ask(place.app, refs, authorization=given).status == 200
    hooks = place.ctx.home / "git" / "shop.git" / "hooks"
    (hooks / "update").write_text("#!/bin/sh\nexit 0\n")
    (hooks / "post-receive").write_text("#!/bin/sh\n# somebody's own\n")
    assert ask(place.app, refs, authorization=given).status == 200
    assert (hooks / "update").read_text() == UPDATE


@pytest.mark.parametrize(
    ("role", "given_to", "may"),
    [
        (DEVELOPER, ["deploy.protected"], "run"), (RELEASER, ["deploy.protected"], "release"),
        (ADMIN, ["deploy.protected"], "release"), (ADMIN, [], "run"),
    ],
)  # fmt: skip
def test_the_hook_is_told_what_the_pusher_and_the_token_may(
    place: Place, role: str, given_to: list[str], may: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def backend(
        request: object, folder: Path, path: str, pusher: Pusher, delegation: str, largest: int
    ) -> PlainTextResponse:
        assert delegation
        told.append(pusher.may)
        return PlainTextResponse("")

    monkeypatch.setattr("shipway.server.git._backend", backend)
    assert ask(place.app, "/git/shop.git/info/refs?service=git-receive-pack", authorization=login(place)).status == 200
    place.person("bob@example.com", role)
    made = create_token(place.ctx, None, "bob@example.com", "git", ["run", *given_to], 1)
    given = "Basic " + base64.b64encode(f"x:{made.secret}".encode()).decode()
    assert ask(place.app, "/git/shop.git/git-receive-pack", "POST", authorization=given).status == 200
    assert told[1:] == [may]
