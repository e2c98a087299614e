"""Forges' drivers against what the forges, and those who use them, have published: recorded webhook bodies, recorded answers of
their interfaces, and documents of these. All of it is downloaded from npm and PyPI."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shipway.domain.errors import Unreadable
from shipway.domain.forge import (
    APPROVED,
    CLOSED,
    DISMISSED,
    MERGED,
    OPENED,
    PENDING,
    SUCCESS,
    UPDATED,
    Deleted,
    Ignored,
    Ping,
    PullRequest,
    Pushed,
    Review,
    Tagged,
)
from shipway.drivers import driver
from shipway.ports import ForgeAccess
from shipway.testing.forge import ONE, SECRET, TWO
from tests import programs
from tests.conformance import forge_documents
from tests.conformance.cdn_lab import Answer, Front, Request
from tests.conformance.forge_documents import Document
from tests.conformance.forge_fuzz import STRANGE, as_json, check, places, replaced, signed
from tests.conformance.forge_lab import TOKEN, StandIn, reply
from tests.conformance.forge_stand_ins import STAND_INS

pytestmark = pytest.mark.counterpart

# These change the head, the base or the state of a pull request; the others are labels, assignments and the like.
COUNT = {"opened": OPENED, "reopened": OPENED, "synchronize": UPDATED, "edited": UPDATED}


def sent_by_github(kind: str, found: Mapping[str, Any]) -> Any:
    body = json.dumps(found).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": kind, "X-GitHub-Delivery": "1", "X-Hub-Signature-256": signature}
    (event,) = driver("forge", "github")(ForgeAccess()).receive(headers, body, SECRET).events
    return event


def test_each_recorded_body_of_github() -> None:
    file = programs.published("github-webhooks") / "package" / "api.github.com" / "index.json"
    seen: dict[str, int] = {}
    for kind in json.loads(file.read_bytes()):
        for found in kind["examples"]:
            event = sent_by_github(kind["name"], found)
            seen[type(event).__name__] = seen.get(type(event).__name__, 0) + 1
            CHECKS.get(kind["name"], ignored)(event, found)
    assert seen == {"Ignored": 308, "PullRequest": 9, "Deleted": 4, "Pushed": 2, "Tagged": 1, "Ping": 4, "Review": 1}


def ignored(event: Any, found: Any) -> None:
    assert isinstance(event, Ignored)


def pushed(event: Any, found: Any) -> None:
    name = found["ref"].split("/", 2)[2]
    before = None if found["created"] else found["before"]
    assert event.repository.full_name == found["repository"]["full_name"]
    assert event.repository.ssh == found["repository"]["ssh_url"]
    assert (event.before, event.pusher.name) == (before, found["sender"]["login"])
    if found["deleted"]:
        assert (type(event), event.ref) == (Deleted, found["ref"])
    elif "/tags/" in found["ref"]:
        assert (type(event), event.tag, event.after) == (Tagged, name, found["after"])
    else:
        assert (type(event), event.branch, event.after) == (Pushed, name, found["after"])
        assert event.forced is found["forced"]


def pull_request(event: Any, found: Any) -> None:
    pull, action = found["pull_request"], found["action"]
    if action not in (*COUNT, "closed"):
        return ignored(event, found)
    assert isinstance(event, PullRequest)
    assert event.action == (COUNT.get(action) or (MERGED if pull["merged"] else CLOSED))
    assert (event.number, event.head, event.branch) == (pull["number"], pull["head"]["sha"], pull["head"]["ref"])
    assert (event.base, event.title, event.url) == (pull["base"]["ref"], pull["title"], pull["html_url"])
    assert event.outside == (pull["head"]["repo"]["full_name"] != pull["base"]["repo"]["full_name"])
    assert (event.author.name, event.author.id) == (pull["user"]["login"], str(pull["user"]["id"]))


def review(event: Any, found: Any) -> None:
    if found["review"]["state"] == "commented":
        return ignored(event, found)
    assert isinstance(event, Review)
    assert (event.state, event.commit) == (DISMISSED, found["review"]["commit_id"])
    assert event.by.name == found["review"]["user"]["login"]


def ping(event: Any, found: Any) -> None:
    assert isinstance(event, Ping)


CHECKS: dict[str, Callable[[Any, Any], None]] = {
    "push": pushed,
    "pull_request": pull_request,
    "pull_request_review": review,
    "ping": ping,
}


def test_each_recorded_body_of_gitlab() -> None:
    folder = programs.published("gitlab-webhooks") / "opsdroid-0.31.0" / "opsdroid" / "connector" / "gitlab" / "tests"
    forge = driver("forge", "gitlab")(ForgeAccess())
    seen = {}
    for file in sorted((folder / "gitlab_response_payloads").glob("*.json")):
        body = file.read_bytes()
        try:
            found = json.loads(body)
        except ValueError:
            continue  # two of them are broken on purpose
        (event,) = forge.receive({"X-Gitlab-Token": SECRET}, body, SECRET).events
        seen[file.stem] = event
        if isinstance(event, PullRequest | Review):
            about = found["object_attributes"]
            assert event.number == about["iid"]
            assert (event.head if isinstance(event, PullRequest) else event.commit) == about["last_commit"]["id"]
        if isinstance(event, PullRequest):
            assert (event.branch, event.base, event.title) == (
                about["source_branch"],
                about["target_branch"],
                about["title"],
            )
            assert event.outside == (about["source"]["path_with_namespace"] != about["target"]["path_with_namespace"])
    assert len(seen) == 14
    actions = {name: event.action for name, event in seen.items() if isinstance(event, PullRequest)}
    assert actions == {
        "generic_mr": OPENED, "mr_closed": CLOSED, "mr_label_update": UPDATED, "mr_labeled": UPDATED, "mr_merged": MERGED,
    }  # fmt: skip
    assert (seen["mr_approved"].state, isinstance(seen["push"], Pushed)) == (APPROVED, True)
    assert all(isinstance(seen[name], Ignored) for name in seen if "issue" in name)
    assert seen["push"].repository.ssh.startswith("git@")


def test_recorded_bodies_with_other_values() -> None:
    """Of each kind that counts: values at random places are missing, or something else."""
    wild, read = random.Random(11), 0
    examples = json.loads(
        (programs.published("github-webhooks") / "package" / "api.github.com" / "index.json").read_bytes()
    )
    bodies = [
        ("github", kind["name"], found) for kind in examples if kind["name"] in CHECKS for found in kind["examples"]
    ]
    folder = programs.published("gitlab-webhooks") / "opsdroid-0.31.0" / "opsdroid" / "connector" / "gitlab" / "tests"
    files = [folder / "gitlab_response_payloads" / f"{name}.json" for name in ("push", "mr_closed", "mr_approved")]
    bodies += [("gitlab", "", json.loads(file.read_bytes())) for file in files]
    for forge, kind, found in bodies:
        headers = {"X-GitHub-Event": kind, "X-Hub-Signature-256": "", "X-Gitlab-Token": SECRET}
        for path in wild.sample(list(places(found)), 60):
            body = as_json(replaced(found, path, wild.choice(STRANGE)))
            try:
                delivery = driver("forge", forge)(ForgeAccess()).receive(signed(headers, body), body, SECRET)
            except Unreadable:
                continue
            read += 1
            for event in delivery.events:
                check(event, forge)
    assert read > 1000


def use(forge: Any, lab: StandIn) -> None:
    """Each request that a driver can send."""
    name = lab.hosted.full_name
    lab.open(3, ONE, TWO, outside=True)
    lab.review(3, "ann", APPROVED)
    for state in (PENDING, SUCCESS):
        forge.set_status(name, ONE, "shipway/staging", state, "it runs", "https://deploy.example/1")
    forge.statuses(name, ONE)
    for text in ("first", "second"):
        forge.comment(name, 3, "preview", text)
    forge.reviews(name, 3)
    forge.pull_request_of(name, TWO)
    lab.merge(3)
    forge.pull_request_of(name, TWO)


@pytest.mark.parametrize("name", ["github", "gitea", "bitbucket"])
def test_requests_are_as_published(name: str) -> None:
    document: Document = getattr(forge_documents, name)()
    lab = STAND_INS[name]()
    use(lab.forge, lab)
    lab.close()
    used = {document.of(request).path for request in lab.front.requests}
    assert len(used) >= 8


def test_requests_of_gitlab_are_those_of_its_usual_client(tmp_path: Path) -> None:
    """python-gitlab works on the stand-in, and sends the same requests; GitLab's document is in no package."""
    python = programs.environment("python-gitlab", programs.GITLAB) / "python"
    lab = STAND_INS["gitlab"]()
    use(lab.forge, lab)
    ours = {(request.method, request.path.partition("?")[0]): request for request in lab.front.requests}
    lab.front.requests.clear()
    lab.faults.clear()
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    words = [str(python), str(script), lab.front.address, TOKEN, ONE, TWO, str(lab.said[3][0].id)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    lab.close()
    assert done.returncode == 0, done.stdout + done.stderr
    theirs = {(request.method, request.path.partition("?")[0]): request for request in lab.front.requests}
    fork = ("GET", f"/api/v4/projects/{lab.number_of('fork/shop')}")
    assert set(ours) - {fork} == set(theirs) - {("GET", "/api/v4/projects/1")}
    for key, request in ours.items():
        if request.body and key in theirs:
            assert set(json.loads(request.body)) <= set(json.loads(theirs[key].body))


CLIENT = """
import sys
import gitlab

address, token, one, two, note = sys.argv[1:]
client = gitlab.Gitlab(address, oauth_token=token)
client.auth()
project = client.projects.get("team/shop", lazy=True)
commit = project.commits.get(one, lazy=True)
sent = {"state": "success", "name": "shipway/staging", "description": "it runs", "target_url": "https://deploy.example/1"}
commit.statuses.create(sent)
assert [item.status for item in commit.statuses.list(get_all=True)] == ["success"]
request = project.mergerequests.get(3, lazy=True)
assert request.notes.list(get_all=True)
request.notes.create({"body": "text"})
request.notes.update(int(note), {"body": "text"})
assert request.approvals.get().approved_by
assert request.diffs.list(get_all=True)
assert request.reviewer_details.list(get_all=True)
assert project.commits.get(two, lazy=True).merge_requests()
"""


def test_answers_that_github_documents() -> None:
    document = forge_documents.github()

    def answer(request: Request) -> Answer:
        return reply(document.of(request).answers[0])

    front = Front(answer)
    forge = driver("forge", "github")(ForgeAccess(TOKEN, endpoint=front.address, timeout=60.0))
    statuses = {item.context: item.state for item in forge.statuses("octocat/Hello-World", ONE)}
    assert statuses == {
        "continuous-integration/jenkins": "success",
        "security/brakeman": "success",
        "mighty_readme": "success",
    }
    (reviewed,) = forge.reviews("octocat/Hello-World", 12)
    assert (reviewed.by.name, reviewed.state, len(reviewed.commit)) == ("octocat", APPROVED, 40)
    pull = forge.pull_request_of("octocat/Hello-World", ONE)
    assert (pull.number, pull.action, pull.outside, pull.base) == (1347, MERGED, False, "master")
    forge.comment("octocat/Hello-World", 3, "preview", "text")
    forge.set_status("octocat/Hello-World", ONE, "a", SUCCESS)
    front.close()


class Recorded:
    """Answers that programs of others got from a forge: the newest one of each request."""

    def __init__(self, *files: str) -> None:
        folder = programs.published("forge-answers") / "ogr-0.61.1" / "tests" / "integration"
        self.answers: dict[str, Any] = {}
        for file in files:
            found = YAML(typ="safe").load((folder / file).read_bytes())
            for url, entries in self._requests(found):
                self.answers[url] = entries[-1]["output"]["_content"]

    def _requests(self, found: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(found, dict):
            for key, value in found.items():
                if isinstance(key, str) and key.startswith("https://") and isinstance(value, list):
                    yield key, value
                else:
                    yield from self._requests(value)

    def of(self, pattern: str) -> Any:
        return next(value for url, value in self.answers.items() if re.search(pattern, url))


def answering(name: str, routes: Mapping[str, Any], prefix: str = "") -> tuple[Front, Any]:
    """A driver, and a server that answers by the ends of paths."""

    def answer(request: Request) -> Answer:
        path = request.path.partition("?")[0]
        return next(
            (reply(value) for end, value in routes.items() if path.endswith(end)),
            reply({"id": 1, "path_with_namespace": "a/fork"}),
        )

    front = Front(answer)
    return front, driver("forge", name)(ForgeAccess(TOKEN, endpoint=front.address + prefix, timeout=60.0))


def test_recorded_answers_of_gitlab() -> None:
    folder = "gitlab/test_data"
    recorded = Recorded(
        f"{folder}/test_generic_commands/GenericCommands.test_get_commit_statuses.yaml",
        f"{folder}/test_pull_requests/PullRequests.test_pr_list.yaml",
        f"{folder}/test_pull_requests/PullRequests.test_get_all_pr_comments.yaml",
    )
    statuses, requests = recorded.of("/statuses"), recorded.of("/merge_requests.state=opened")
    notes = recorded.of("/notes")
    front, forge = answering("gitlab", {"/statuses": statuses, "/merge_requests": requests, "/notes": notes})
    found = forge.statuses("packit-service/ogr-tests", ONE)
    assert {item.context for item in found} == {item["name"] for item in statuses} != set()
    newest = max(requests, key=lambda item: item["iid"])
    pull = forge.pull_request_of("packit-service/ogr-tests", ONE)
    assert (pull.number, pull.head, pull.action) == (newest["iid"], newest["sha"], OPENED)
    assert (pull.branch, pull.author.name) == (newest["source_branch"], newest["author"]["username"])
    forge.comment("packit-service/ogr-tests", 1, "preview", "text")
    assert front.requests[-1].method == "POST"
    front.close()


def test_recorded_answers_of_forgejo() -> None:
    folder = "forgejo/test_data"
    recorded = Recorded(
        f"{folder}/test_generic_commands/test_get_commit_statuses.yaml",
        f"{folder}/test_pull_request/test_pr_info.yaml",
        f"{folder}/test_comments/Comments.test_pr_comments.yaml",
    )
    statuses, pull, notes = recorded.of("/statuses/"), recorded.of(r"/pulls/\d+$"), recorded.of("/comments")
    routes = {"/statuses": statuses, "/pull": pull, "/pulls": [], "/comments": notes}
    front, forge = answering("gitea", routes, "/api/v1")
    found = forge.statuses("packit-validator/ogr-tests", ONE)
    assert {item.context for item in found} == {item["context"] for item in statuses} != set()
    found = forge.pull_request_of("packit-validator/ogr-tests", ONE)
    assert (found.number, found.head, found.title) == (pull["number"], pull["head"]["sha"], pull["title"])
    assert found.repository.ssh
    forge.comment("packit-validator/ogr-tests", 1, "preview", "text")
    assert front.requests[-1].method == "POST"
    front.close()


def test_recorded_answers_of_github() -> None:
    folder = "github/test_data"
    recorded = Recorded(
        f"{folder}/test_generic_commands/GenericCommands.test_get_commit_statuses.yaml",
        f"{folder}/test_comments/Comments.test_pr_comments.yaml",
    )
    statuses, pull, notes = (
        recorded.of("repos/packit/ogr/statuses/"),
        recorded.of(r"/pulls/\d+$"),
        recorded.of("/comments"),
    )
    routes = {
        "/status": {"statuses": statuses},
        "/check-runs": {"check_runs": []},
        "/pulls": [pull],
        "/comments": notes,
    }
    front, forge = answering("github", routes)
    found = forge.statuses("packit/ogr", ONE)
    assert {item.context for item in found} == {item["context"] for item in statuses} != set()
    found = forge.pull_request_of("packit/ogr", ONE)
    assert (found.number, found.head, found.action) == (pull["number"], pull["head"]["sha"], MERGED)
    forge.comment("packit/ogr", 9, "preview", "text")
    assert front.requests[-1].method == "POST"
    front.close()
