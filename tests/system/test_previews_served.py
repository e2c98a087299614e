"""A preview follows its pull request by itself: a real server, the webhooks of a stand-in for a forge, and a real engine."""

from __future__ import annotations

import hashlib
import hmac
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest

from examples.project import get
from shipway.domain.forge import CLOSED, OPENED, Event, Hosted, Person, PullRequest, Pushed
from tests import prepared
from tests.conformance.forge_hub import GitHubStandIn
from tests.conformance.forge_lab import TOKEN
from tests.system.conftest import Make
from tests.system.test_previews import address, answer, begun, closed, gone, listed
from tests.system.test_serve import Place
from tests.system.tiny import NOT_THERE, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900), pytest.mark.usefixtures(closed.__name__)]


@pytest.fixture
def forge() -> Iterator[GitHubStandIn]:
    found = GitHubStandIn()
    yield found
    found.close()


def test_it_follows_its_pull_request(make: Make, forge: GitHubStandIn) -> None:
    project = begun(make, sleep="5s")
    place = Place(project)
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("push", "--quiet", str(project.remote), "main", "staging")
    forge.hosted = Hosted(str(project.remote).strip("/").removesuffix(".git"))
    made = project.shipway(
        "webhook", "add", "shop", "--forge", "github", "--address", f"file://{project.remote}"
    ).output
    secret = made.rpartition("secret: ")[2].strip()
    words = ["webhook", "token", "shop", "--api", f"{forge.front.address}{forge.prefix}"]
    given = prepared.run(words, project.clone, project.env, merged=True, text=f"{TOKEN}\n")
    assert given.returncode == 0, given.stdout

    def tell(event: Event) -> None:
        headers, body = forge.deliver(event)
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        signed = {**headers, "X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{place.url}/hooks/shop", body, signed), timeout=30):
            pass

    def push(branch: str) -> str:
        revision = project.git("rev-parse", branch).output.strip()
        project.git("push", "--quiet", str(project.remote), branch)
        tell(Pushed(forge.hosted, branch, None, revision, False, Person("1", "ada")))
        return revision

    push("staging")  # by which the server knows the app
    soon(lambda: project.answer() == "one", 120)
    project.change("first")
    head = push("feature")
    forge.open(7, head)
    pull = PullRequest(
        forge.hosted, 7, OPENED, head, "feature", forge.hosted.full_name, False, "main", Person("1", "ada"), "A title", "",
    )  # fmt: skip
    tell(pull)
    soon(lambda: answer(project, 7) == "first", 180)
    soon(lambda: any(address(project, 7) in text for text in forge.comments(7)), 60)
    assert f"shipway/{project.app}/pr-7" in {item["context"] for item in forge.latest(head)}

    # Nobody asks for it; then somebody does.
    soon(lambda: listed(project)[7]["state"] == "asleep", 120)
    soon(lambda: get(address(project, 7))[1] == "first", 120)

    project.change("second")
    head = push("feature")
    forge.open(7, head)
    tell(replace(pull, action="updated", head=head))
    soon(lambda: listed(project)[7]["commit"] == head and listed(project)[7]["state"] == "ready", 180)
    soon(lambda: answer(project, 7) == "second", 60)

    outside = replace(pull, number=8, outside=True, head_repository="evil/shop")
    tell(outside)
    tell(replace(pull, action=CLOSED, head=head))
    soon(lambda: not listed(project), 120)
    assert answer(project, 7).startswith(NOT_THERE)
    gone(project, "pr-7")
    assert answer(project, 8).startswith(NOT_THERE)
    place.server.press_ctrl_c()
    place.server.end()
