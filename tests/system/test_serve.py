"""The release server with real parts: git push by HTTP, the page's forms, and a server that dies."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import NotAllowed
from shipway.domain.release import SUCCEEDED
from tests import prepared
from tests.system.conftest import Make
from tests.system.test_queue import pushes, workers
from tests.system.tiny import Running, Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
ADA, GRACE = "ada@example.com", "grace@example.com"


class Browser:
    """Somebody's browser, without JavaScript."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str, **fields: str) -> tuple[int, str]:
        """The page after all redirections. fields: of a form, which is sent."""
        body = urllib.parse.urlencode(fields).encode() if fields else None
        asked = urllib.request.Request(self._url + path, body, {"Accept": "text/html"})
        try:
            with self._opener.open(asked, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def sign_in(self, link: str) -> None:
        """By a link that counts once."""
        secret = link.partition("link=")[2].strip()
        assert self.get("/sign-in/link", link=secret)[0] == 200

    def send(self, page: str, action: str, **fields: str) -> tuple[int, str]:
        """The form of a page with that action."""
        _, text = self.get(page)
        form = re.search(rf'<form method="post" action="{re.escape(action)}">(.*?)</form>', text, re.DOTALL)
        assert form, text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1]))
        return self.get(action, **{**hidden, **fields})


class Place:
    """A project, and the server to which its people push."""

    def __init__(self, project: Tiny) -> None:
        self.project = project
        self.url = ""
        self.token = self._new(ADA, "admin")
        self._new(GRACE, "releaser")
        self.server = self.serve()

    def serve(self) -> Running:
        """Start it; again at the same address."""
        server = self.project.start("serve", "--listen", f"127.0.0.1:{self.url.rpartition(':')[2] or 0}")
        server.until("serves http://")
        found = re.search(r"serves (http://\S+)", server.output)
        assert found
        self.url = found[1]
        return server

    def _new(self, name: str, role: str) -> str:
        """A person; returns a token that may run and see."""
        self.project.shipway("user", "add", name, "--role", role)
        permissions = ("see", "run", "webhooks", "deploy", "deploy.protected")
        words = [word for permission in permissions for word in ("--allow", permission)]
        made = self.project.shipway("token", "create", "git", "--of", name, *words)
        found = re.search(r"swt_\S+", made.output)
        assert found, made.output
        return found[0]

    def browser(self, name: str) -> Browser:
        found = Browser(self.url)
        found.sign_in(self.project.shipway("user", "login-link", name).output.splitlines()[0])
        return found

    def address(self, token: str) -> str:
        host = self.url.removeprefix("http://")
        return f"http://me:{token}@{host}/git/{self.project.app}.git"


@pytest.fixture(scope="module")
def place(make: Make) -> Iterator[Place]:
    found = Place(make())
    yield found
    found.server.press_ctrl_c()
    found.server.end()


def test_a_push_by_http_creates_the_repository_and_deploys(place: Place) -> None:
    project = place.project
    wrong = project.git("push", place.address("swt_" + "x" * 43), "staging", check=False)
    assert wrong.code != 0
    assert not (project.home / "git").exists()
    project.protect()
    project.git("remote", "add", "origin", place.address(place.token))
    pushed = project.git("push", "origin", "main", "staging").output
    assert "remote: " in pushed
    assert re.search(r"push \d+ of refs/heads/staging is queued", pushed), pushed
    assert "deploy" in pushed
    assert project.answer() == "one"
    [staging, *_] = pushes(project)
    assert (staging.outcome, staging.actor, staging.via) == (SUCCEEDED, ADA, "git push by HTTP with token 1")
    [made] = project.deployments("staging")
    assert made["actor"] == ADA
    clone = project.folder / "another"
    project.git("clone", "--quiet", place.address(place.token), str(clone))
    assert (clone / "shipway.yaml").exists()


def test_a_release_goes_to_production_by_the_page(place: Place) -> None:
    project, grace = place.project, place.browser(GRACE)
    project.promote("v1")
    pushed = project.git("push", "origin", "main", "v1").output
    assert "the deployment waits for that" in pushed
    board = f"/apps/{project.app}"
    soon(lambda: "r1 waits" in grace.get(board)[1], 90)
    soon(lambda: "Approve r1" in grace.get(board)[1], 90)
    approve = f"{board}/environments/production/approve"
    status, text = grace.send(board, approve, note="I looked at staging")
    assert status == 200, text
    assert f"{GRACE} approved release 1" in text
    assert "judged again by the server" in text
    soon(lambda: project.answer("production") == "one", 90)  # nobody clicks on anything else
    soon(lambda: "r1 waits" not in grace.get(board)[1], 90)
    [made] = project.deployments("production")
    assert made["actor"] == ADA
    assert [item["actor"] for item in made["approvals"]] == [GRACE]


def test_a_rollback_is_spelled_out_and_then_done(place: Place) -> None:
    project, grace = place.project, place.browser(GRACE)
    project.change("two")
    project.git("push", "origin", "staging")
    assert project.answer() == "two"
    path = f"/apps/{project.app}/environments/staging/rollback"
    soon(lambda: "release 1" in grace.get(path)[1], 90)
    _, text = grace.get(path)
    assert "This is what a rollback would do now" in text
    hidden = re.search(r'<form method="post">\s*<input type="hidden" name="csrf" value="(\w+)"', text)
    assert hidden
    assert grace.get(path, csrf=hidden[1], note="it is wrong")[0] == 200
    soon(lambda: project.answer() == "one", 90)
    assert project.deployments("staging")[0]["reason"] == "it is wrong"
    board = f"/apps/{project.app}"
    soon(lambda: "on hold" in grace.get(board)[1], 90)
    project.change("three")
    assert "is on hold" in project.git("push", "origin", "staging").output
    soon(lambda: "r3 waits" in grace.get(board)[1], 90)
    assert project.answer() == "one"
    status, text = grace.send(board, f"{board}/environments/staging/resume", note="")
    assert status == 200, text
    soon(lambda: project.answer() == "three", 90)
    soon(lambda: "on hold" not in grace.get(board)[1], 90)


def test_the_process_that_reads_the_environments_is_replaced(place: Place) -> None:
    project, grace = place.project, place.browser(GRACE)
    for process in workers(project, "--observe"):
        os.kill(process, signal.SIGKILL)
    project.change("seen by the next one")
    project.git("push", "origin", "staging")
    soon(lambda: "seen by the next one" in grace.get(f"/apps/{project.app}")[1], 90)


def test_who_did_all_that_is_in_the_audit(place: Place) -> None:
    """A command that the page started names the request, whose session and address are known; so does a push its token."""
    project = place.project
    entries = {item["number"]: item for item in json.loads(project.shipway("audit", "--json").output)}

    def proof(kind: str, start: str) -> dict[str, Any]:
        found = next(item for item in entries.values() if item["kind"] == kind and item["what"].startswith(start))
        request: dict[str, Any] = entries[int(found["proof"].removeprefix("request "))]
        assert request["actor"] == found["actor"]
        return request

    approval = proof("command", "approve production")
    assert (approval["actor"], approval["origin"]) == (GRACE, "127.0.0.1")
    assert approval["proof"].startswith("session ")
    released = [
        item for item in entries.values() if (item["kind"], item["environment"]) == ("deployment", "production")
    ]
    assert [(item["actor"], item["proof"]) for item in released] == [
        (ADA, "told by server")
    ]  # it waited for the approval
    assert proof("command", "rollback staging")["actor"] == GRACE
    pushed = proof("push", "pushed refs/heads/staging")
    assert (pushed["actor"], pushed["what"]) == (ADA, f"git push to {project.app}")
    assert pushed["proof"].startswith("token ")
    made = [
        item["actor"] for item in entries.values() if item["kind"] == "deployment" and item["environment"] == "staging"
    ]
    assert set(made) == {ADA, GRACE}
    assert "none changed" in project.shipway("audit", "verify").output


def test_a_program_does_the_same_by_the_api(place: Place) -> None:
    """Staging is at release 1 again."""
    project, app = place.project, f"/apps/{place.project.app}"
    sees = Program(place, ADA, "see", "run")
    may = Program(place, GRACE, "see", "logs", "run", "deploy", "rollback", "approve")
    staging = f"{app}/environments/staging"
    assert sees.asks("POST", f"{staging}/deployments", release=2)[0] == 403
    before = project.deployments("staging")
    file = project.folder / "token"
    file.write_text(sees.token)
    words = ["--token-file", str(file), "run", "staging", "--app", project.app]
    done = prepared.run(
        words, project.folder, project.env, merged=True
    )  # not in the clone, whose address is another one
    assert (done.returncode, "may not `deploy`" in done.stdout) == (NotAllowed.exit_code, True), done.stdout
    assert project.deployments("staging") == before
    done = project.shipway("--as", GRACE, "approve", "production", "r2", "--app", project.app, check=False)
    assert (done.code, "not proven" in done.output) == (NotAllowed.exit_code, True), done.output

    status, changes = may.asks("POST", f"{staging}/deployments", release=2, dry_run=True)
    assert (status, {item["verb"] for item in changes["changes"]} != set()) == (200, True), changes
    status, begun = may.asks("POST", f"{staging}/deployments", release=2)
    assert status == 202, begun
    path = begun["follow"].removeprefix("/api/v1")
    soon(lambda: newest(may.asks("GET", path)[1]).get("outcome") == SUCCEEDED, 90)
    made = newest(may.asks("GET", path)[1])
    assert (made["actor"], made["release"], project.answer()) == (GRACE, 2, "two")
    events = may.text(f"{staging}/deployments/{made['id']}/events")
    assert events.endswith("event: ended\ndata: {}\n\n")
    assert '"kind": "begin"' in events
    status, approvals = may.asks("POST", f"{app}/environments/production/approvals", release=2, reason="by a program")
    assert (status, [item["actor"] for item in approvals]) == (201, [GRACE]), approvals
    status, begun = may.asks("POST", f"{app}/runs", revision="staging")
    assert status == 202, begun
    soon(lambda: place.project.deployments("staging")[0]["outcome"] == SUCCEEDED, 90)
    board = may.asks("GET", f"{app}/board")[1]
    assert board["order"] == ["staging", "production"]


def newest(found: Any) -> dict[str, Any]:
    """What is followed: one, or a list of those since."""
    if isinstance(found, list):
        return found[0] if found else {}
    return dict(found)


class Program:
    """Somebody's program, with a token for these permissions."""

    def __init__(self, place: Place, name: str, *permissions: str) -> None:
        self._url = f"{place.url}/api/v1"
        words = [word for permission in permissions for word in ("--allow", permission)]
        made = place.project.shipway("token", "create", "program", "--of", name, *words)
        [self.token] = re.findall(r"swt_\S+", made.output)

    def asks(self, method: str, path: str, **body: object) -> tuple[int, Any]:
        """The status and the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        given = json.dumps(body).encode() if method == "POST" else None
        asked = urllib.request.Request(self._url + path, given, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=90) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def text(self, path: str) -> str:
        asked = urllib.request.Request(self._url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(asked, timeout=90) as answer:
            return str(answer.read().decode())


def test_a_server_that_dies_is_replaced_while_a_push_runs(place: Place) -> None:
    project = place.project
    project.pipeline(slow={"run": "sleep 4"})
    before = pushes(project)[0].id
    pushing = Pushing(project)
    soon(lambda: pushes(project)[0].id > before and workers(project), 90)  # the last one's process may be about to end
    place.server.kill()
    soon(lambda: not workers(project, "--observe"))
    place.server = place.serve()
    soon(lambda: pushes(project)[0].ended, 90)
    [last, *_] = pushes(project)
    assert (last.outcome, last.token) == (SUCCEEDED, 1)
    pushing.end()


class Pushing(Running):
    """A push under way, whose server may die."""

    def __init__(self, project: Tiny) -> None:
        import subprocess

        self._process = subprocess.Popen(
            ["git", "push", "--quiet", "origin", "staging"], cwd=project.clone, env=project.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._file = Path("/dev/null")


def test_a_webhook_of_a_forge_is_queued_once_and_run(place: Place, make: Make) -> None:
    """As GitHub sends it. The commits come from the address of the webhook, and from nowhere that the request names."""
    project, other = place.project, make()
    other.git("init", "--quiet", "--bare", "--initial-branch=main", str(other.remote))
    address = f"file://{other.remote}"
    other.protect()
    other.git("push", "--quiet", str(other.remote), "main", "staging")
    made = project.shipway("webhook", "add", "shop", "--forge", "github", "--address", address).output
    secret = made.rpartition("secret: ")[2].strip()
    revision, before = other.git("rev-parse", "HEAD").output.strip(), len(pushes(project))
    hosted = {
        "full_name": "acme/shop",
        "clone_url": "https://evil.example/shop.git",
        "ssh_url": "git@evil.example:acme/shop.git",
    }
    body = json.dumps({
        "ref": "refs/heads/staging", "before": "0" * 40, "after": revision, "created": False, "deleted": False, "forced": False,
        "repository": {"id": 1, **hosted}, "pusher": {"name": "ada"}, "sender": {"login": "ada", "id": 1},
    }).encode()  # fmt: skip
    right = {
        "X-GitHub-Event": "push", "X-GitHub-Delivery": "1", "Content-Type": "application/json",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }  # fmt: skip

    def send(headers: dict[str, str], path: str = "/hooks/shop") -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(place.url + path, body, headers), timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert send({**right, "X-Hub-Signature-256": "sha256=" + "0" * 64}) == 403
    assert send(right, "/hooks/nosuch") == 403
    assert len(pushes(project)) == before
    assert [send(right), send({**right, "X-GitHub-Delivery": "2"})] == [202, 202]
    assert len(pushes(project)) == before + 1
    soon(lambda: pushes(project)[0].ended, 90)
    [last, *_] = pushes(project)
    assert (last.outcome, last.repository) == (SUCCEEDED, address), last.note
    assert "webhook shop of github, by ada" in last.via
    assert other.answer() == "one"
    project.shipway("webhook", "remove", "shop")
    assert send(right) == 403
    project.shipway("destroy", "staging", "--force", "--volumes", "--app", other.app)  # its ledger is this one
