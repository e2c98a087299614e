"""The release server's API, with people who have tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.tokens import create_token
from shipway.domain.event import DEPLOYMENT, LINE, RUN, Event, Subject
from shipway.domain.permissions import ALL, PERMISSIONS
from shipway.domain.queue import PUSH
from shipway.domain.release import Approval, Trigger
from shipway.domain.single_test import FAILED, SingleTest
from shipway.server.api.document import document
from shipway.server.api.operation import PREFIX, Operation
from shipway.server.api.table import OPERATIONS
from shipway.system.process import Completed
from shipway.testing.ledger.queue import pushed
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import Place

BY_NAME = {item.name: item for item in OPERATIONS}
CHANGESET = '{"title": "t", "changes": [], "rules": []}'


class Api(Place):
    """A server with one of everything: release 1 in staging, with its approval, a run that has ended, and a push."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        ledger, at = self.world.ledger, self.ctx.clock()
        self.run = ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/main", "ada"), at)
        ledger.begin_step(self.run, "test", "key", at)
        ledger.end_step(self.run, "test", "failed", at, failure="exit code 1")
        ledger.add_tests(self.run, "test", 0, [SingleTest("test_price", "", "", FAILED, 0.5, "1 != 2", "a trace")])
        ledger.end_run(self.run, "failed", at)
        self.deployment = ledger.deployments("shop")[0].id
        push = ledger.enqueue(pushed("a"))
        claimed = ledger.claim_push("w", [push.place], 9.0)
        assert claimed is not None
        ledger.end_push(claimed, "succeeded")
        self.push = push.id
        release = ledger.release("shop", 1)
        assert release is not None
        ledger.add_approval(Approval("shop", "staging", 1, release.digest, "grace@example.org", "fine", at))
        for subject in (
            Subject(RUN, "shop", self.run),
            Subject(DEPLOYMENT, "shop", self.deployment),
            Subject(PUSH, "", push.id),
        ):
            ledger.add_events(subject, [Event(at, LINE, "web", "it says hello")])
        self.observer.look("shop")

    def token(self, role: str, *permissions: str, app: str = ALL, environment: str = ALL) -> str:
        """Of a new person with this role."""
        name = f"{role}{len(self.ctx.ledger.people())}@example.org"
        add_person(self.ctx, None, name)
        grant(self.ctx, None, name, role, app, environment)
        return create_token(self.ctx, None, name, "test", permissions or tuple(PERMISSIONS), 1).secret

    def ask(self, operation: Operation, token: str, environment: str = "staging", **body: Any) -> Answer:
        """Ask for it, with what it needs."""
        number = {"releases": 1, "deployments": self.deployment, "queue": self.push}
        part = next((value for name, value in number.items() if f"{name}/{{number}}" in operation.path), self.run)
        path = operation.path.format(app="shop", environment=environment, number=part)
        query = "?release=1" if operation.name == "listApprovals" else ""
        return self.send(operation.method, path + query, token, {**NEEDED.get(operation.name, {}), **body})

    def send(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:  # type: ignore[override]
        given = {"authorization": f"Bearer {token}", "content_type": "application/json", **headers}
        text = b"" if method == "GET" else body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return ask(self.app, PREFIX + path, method, text, **given)


NEEDED: dict[str, dict[str, Any]] = {
    "deploy": {"release": 1},
    "approve": {"release": 1},
    "reject": {"release": 1, "reason": "prices are wrong"},
    "startRun": {"revision": "main"},
}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The commands that are started, with who starts them; none is."""
    found: list[tuple[str, list[str]]] = []

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        found.append((person, list(words)))
        return Completed(0, f"▸ looks\n{CHANGESET}\n" if "--json" in words else "done\n")

    def start(self: object, person: str, words: list[str], delegation: str) -> None:
        found.append((person, list(words)))

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    monkeypatch.setattr("shipway.server.commands.Commands.start", start)
    return found


def conforms(operation: Operation, answer: Answer) -> None:
    """The answer is one that the document promises."""
    whole = document()
    promised = whole["paths"][PREFIX + operation.path][operation.method.lower()]["responses"]
    assert str(answer.status) in promised, (answer.status, answer.text)
    [(media, found)] = promised[str(answer.status)]["content"].items()
    assert answer.headers["content-type"].partition(";")[0] == media
    if media == "application/json":
        schema = {**found["schema"], "components": whole["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(answer.text))
