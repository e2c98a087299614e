"""A forge and people are told what became of a push: by a server whose forge is down for a while, and without a server."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.forge import Hosted
from shipway.domain.release import SUCCEEDED
from tests import prepared
from tests.conformance.cdn_lab import Front
from tests.conformance.forge_hub import GitHubStandIn
from tests.conformance.forge_lab import TOKEN
from tests.system.conftest import Make
from tests.system.test_queue import pushes
from tests.system.test_serve import Place
from tests.system.tiny import Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
SCRIPT = "import sys\nwith open({file!r}, 'a') as file:\n    file.write(sys.stdin.read())\n"


class Told:
    """A command that keeps what it is told."""

    def __init__(self, project: Tiny) -> None:
        self.file, script = project.folder / "told", project.folder / "tell.py"
        script.write_text(SCRIPT.format(file=str(self.file)))
        project.shipway("notify", "add", "ops", "--command", sys.executable, "--", str(script))

    def events(self) -> list[tuple[str, str]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [(item["event"], item["title"]) for item in map(json.loads, lines)]


@pytest.fixture
def forge() -> Iterator[GitHubStandIn]:
    found = GitHubStandIn()
    yield found
    found.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_forge_that_is_down_gets_the_statuses_and_the_comment_afterwards(make: Make, forge: GitHubStandIn) -> None:
    place = Place(make())
    project, port = place.project, free_port()
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.protect()
    project.git("push", "--quiet", str(project.remote), "main", "staging")
    revision = project.git("rev-parse", "HEAD").output.strip()
    forge.hosted = Hosted(str(project.remote).strip("/").removesuffix(".git"))
    forge.open(7, revision)
    made = project.shipway(
        "webhook", "add", "shop", "--forge", "github", "--address", f"file://{project.remote}"
    ).output
    secret = made.rpartition("secret: ")[2].strip()
    api = f"http://127.0.0.1:{port}{forge.prefix}"
    words = ["webhook", "token", "shop", "--api", api]
    given = prepared.run(words, project.clone, project.env, merged=True, text=f"{TOKEN}\n")
    assert given.returncode == 0, given.stdout
    told = Told(project)
    body = json.dumps({
        "ref": "refs/heads/staging", "before": "0" * 40, "after": revision, "created": False, "deleted": False, "forced": False,
        "repository": {"id": 1, "full_name": "acme/shop", "clone_url": "https://evil.example/x.git", "ssh_url": ""},
        "pusher": {"name": "ada"}, "sender": {"login": "ada", "id": 1},
    }).encode()  # fmt: skip
    signed = {
        "X-GitHub-Event": "push", "X-GitHub-Delivery": "1", "Content-Type": "application/json",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }  # fmt: skip
    with urllib.request.urlopen(urllib.request.Request(f"{place.url}/hooks/shop", body, signed), timeout=30):
        pass
    soon(lambda: pushes(project) and pushes(project)[0].ended, 120)
    assert pushes(project)[0].outcome == SUCCEEDED, pushes(project)[0].note
    assert project.answer() == "one"
    soon(lambda: "can't be reached" in project.shipway("webhook", "list").output, 60)
    assert not forge.statuses

    back = Front(forge._answer, port)
    soon(lambda: {item["state"] for item in forge.latest(revision)} == {"success"} and forge.comments(7), 120)
    back.close()
    assert {item["context"] for item in forge.latest(revision)} == {
        f"shipway/{project.app}", f"shipway/{project.app}/staging",
    }  # fmt: skip
    [comment] = forge.comments(7)
    assert "the deployment succeeded" in comment
    assert told.events() == [("deployed", f"{project.app}/staging: release 1 was deployed")]
    listed = project.shipway("webhook", "list").output
    assert "waiting" not in listed
    place.server.press_ctrl_c()
    place.server.end()
    files = [path.read_bytes() for path in Path(project.home).rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in data for data in files)
    assert TOKEN not in place.server.output + listed
    assert TOKEN not in " ".join(os.environ.values())


def test_without_a_server_the_command_itself_tells_people(make: Make) -> None:
    project = make()
    project.protect()
    told = Told(project)
    project.shipway("notify", "test", "ops")
    assert [event for event, _ in told.events()] == ["test"]
    project.shipway("run", "staging")
    assert told.events()[1:] == [("deployed", f"{project.app}/staging: release 1 was deployed")]
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--ff-only", "staging")
    project.git("tag", "v1")
    refused = project.shipway("deploy", "production", "v1", check=False)
    assert refused.code != 0
    assert told.events()[2:] == [("approval", f"{project.app}/production: release 1 waits for approval")]
    project.shipway("notify", "remove", "ops")
    project.shipway("deploy", "production", "v1", check=False)
    assert len(told.events()) == 3


def test_a_pull_request_from_another_repository_is_checked_when_a_member_says_so(make: Make) -> None:
    project = make()
    project.pipeline(checks={"run": "echo these are the checks of $(cat name)"})
    project.protect()
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", str(project.remote))
    project.git("push", "--quiet", "origin", "main", "staging")
    project.shipway("run", "staging")
    project.shipway("webhook", "add", "shop", "--forge", "github", "--address", f"file://{project.remote}")
    before = project.git("rev-parse", "HEAD").output.strip()
    theirs = project.change("theirs", files={"name": "theirs"})
    project.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    project.undo(before)
    refused = project.shipway("run", before, "--pull-request", "7", "--app", project.app, check=False)
    assert refused.code != 0
    assert f"is at {theirs[:12]} now" in refused.output
    done = project.shipway("run", theirs, "--pull-request", "7", "--app", project.app)
    assert "these are the checks of theirs" in done.output
    assert "its checks alone, without secrets and caches" in done.output
    assert project.answer() == "one"
    assert len(project.deployments()) == 1
