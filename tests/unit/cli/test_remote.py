"""SHIPWAY_URL: what is sent to the server, what runs here, and what comes back from servers that are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shipway import __version__
from shipway.cli import cli, remote_client
from shipway.cli.remote_client import LARGEST, Request, Server
from shipway.domain.errors import (
    DiskFull,
    GateRefused,
    Interrupted,
    NotAllowed,
    PlanError,
    ServerError,
    ShipwayError,
    UsageError,
)
from shipway.system.http import ProtocolError

URL = "https://ship.example.org"


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Request, bool]]:
    """What was sent, and whether it changes something."""
    found: list[tuple[Request, bool]] = []

    def run(url: str, token: str, request: Request, *, changes: bool) -> int:
        assert (url, token) == (URL, "swt_x")
        found.append((request, changes))
        return 7

    monkeypatch.setattr(remote_client, "run", run)
    monkeypatch.setenv("SHIPWAY_URL", URL)
    monkeypatch.setenv("SHIPWAY_TOKEN", "swt_x")
    monkeypatch.setenv("SHIPWAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return found


def shipway(*words: str, text: bytes = b"") -> Result:
    done = CliRunner().invoke(cli, words, input=text)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["status", "--app", "shop"], ["status", "--app", "shop"]),
        (["status", "--app=shop", "--json"], ["status", "--app=shop", "--json"]),
        (["deploy", "staging", "r1"], ["deploy", "--app", "here", "staging", "r1"]),
        (["deploy", "--plan", "api.yaml", "staging"], ["deploy", "--app", "other", "staging"]),
        (["deploy", "--plan=api.yaml", "staging", "--", "-x"], ["deploy", "--app", "other", "staging", "--", "-x"]),
        (["secret", "unset", "staging", "A", "B"], ["secret", "unset", "--app", "here", "staging", "A", "B"]),
        (["secret", "remove", "staging", "A"], ["secret", "unset", "--app", "here", "staging", "A"]),
        (["drill", "staging"], ["rehearse", "--app", "here", "staging"]),
        (["rules"], ["rules", "--app", "here"]),
        (["rules", "--json"], ["rules", "--app", "here", "--json"]),
        (
            ["rules", "accept", "staging", "--reason", "x"],
            ["rules", "accept", "--app", "here", "staging", "--reason", "x"],
        ),
        (
            ["exec", "staging", "web", "--", "ls", "--plan"],
            ["exec", "--app", "here", "staging", "web", "--", "ls", "--plan"],
        ),
        (["insights", "shop"], ["insights", "shop"]),
        (["apps"], ["apps"]),
        (["audit"], ["audit", "show"]),
        (["audit", "--limit", "3"], ["audit", "show", "--limit", "3"]),
        (["schedules", "staging"], ["schedules", "show", "--app", "here", "staging"]),
        (["rename", "app", "shop", "store"], ["rename", "app", "shop", "store"]),
    ],
    ids=lambda item: " ".join(item),
)
def test_what_is_typed_is_sent_with_the_name_of_the_app(
    sent: list[tuple[Request, bool]], tmp_path: Path, words: list[str], expected: list[str]
) -> None:
    (tmp_path / "shipway.yaml").write_text("app: here\nnonsense: {of: a newer version}\n")
    (tmp_path / "api.yaml").write_text("app: other\n")
    done = shipway(*words)
    assert done.exit_code == 7
    assert [request.words for request, _ in sent] == [expected]
    assert not (tmp_path / "home").exists()


def test_whether_it_changes_something_is_known(sent: list[tuple[Request, bool]]) -> None:
    for words in (["status", "--app", "x"], ["history", "--app", "x"], ["doctor", "--app", "x"], ["doctor", "--fix", "--app", "x"],
                  ["deploy", "staging", "--app", "x"], ["cancel", "--app", "x"], ["cancel", "3", "--app", "x"]):  # fmt: skip
        shipway(*words)
    assert [changes for _, changes in sent] == [False, False, False, True, True, False, True]


def test_without_a_plan_the_app_is_to_be_named(sent: list[tuple[Request, bool]], tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no shipway\.yaml") as caught:
        shipway("status")
    assert "--app NAME" in caught.value.hint
    for text in ("[]", "app: [1]", "\t", "services: {}"):
        (tmp_path / "shipway.yaml").write_text(text)
        with pytest.raises(PlanError):
            shipway("status")
    assert sent == []


def test_stdin_goes_along_where_the_command_reads_it(sent: list[tuple[Request, bool]]) -> None:
    app = ("--app", "x")
    for words in (["secret", "set", "staging", "KEY", *app], ["secret", "set", "staging", "KEY", "--generate", *app],
                  ["exec", "staging", "web", *app, "--", "cat"], ["db", "staging", *app], ["status", *app],
                  ["notify", "add", "x", "--url-from-stdin"], ["notify", "add", "x", "--url", "json://x"]):  # fmt: skip
        shipway(*words, text=b"\xffvalue\n")
    given = [request.stdin for request, _ in sent]
    assert given == [b"\xffvalue\n", b"", b"\xffvalue\n", b"\xffvalue\n", b"", b"\xffvalue\n", b""]
    with pytest.raises(UsageError, match="4 MB"):
        shipway("exec", "staging", "web", *app, "--", "cat", text=b"x" * ((4 << 20) + 3))


def test_what_a_command_asks_for_is_asked_here(
    sent: list[tuple[Request, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    done = shipway("secret", "set", "staging", "KEY", "--app", "x", text=b"typed\n")
    assert sent[-1][0].stdin == b"typed", done.output
    assert "KEY for staging" in done.output
    shipway("exec", "staging", "web", "--app", "x", "--", "ls", text=b"not read\n")
    assert sent[-1][0].stdin == b""
    for words in (["console", "staging", "--app", "x"], ["db", "staging", "--app", "x"]):
        with pytest.raises(UsageError, match="interactive"):
            shipway(*words)
    assert shipway("db", "staging", "--app", "x", "--", "-c", "SELECT 1").exit_code == 7


def test_who_acts_goes_along(sent: list[tuple[Request, bool]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("swt_x\n")
    monkeypatch.delenv("SHIPWAY_TOKEN")
    with pytest.raises(UsageError, match="needs a token"):
        shipway("apps")
    shipway("--as", "ada@example.org", "--token-file", str(file), "--quiet", "apps")
    [(request, _)] = sent
    assert (request.claim, request.quiet, request.colour) == ("ada@example.org", True, False)
    with pytest.raises(UsageError, match="--home is a folder of this machine"):
        shipway("--home", str(tmp_path), "--token-file", str(file), "apps")


def test_some_commands_run_here(sent: list[tuple[Request, bool]], tmp_path: Path) -> None:
    assert "complete" in shipway("completion", "bash").output
    assert "Deploy the release" in shipway("deploy", "--help").output
    assert __version__ in shipway("--version").output
    (tmp_path / "shipway.yaml").write_text("nonsense: 1\n")
    assert shipway("check").exit_code == PlanError.exit_code
    for words in (
        ["serve"],
        ["host", "check", "x"],
        ["approve", "staging", "--sign", "--app", "x"],
        ["run", "--dirty", "--app", "x"],
    ):
        with pytest.raises(UsageError, match="server"):
            shipway(*words)
    assert shipway("deploy").exit_code == 2
    assert sent == []


def test_without_a_server_nothing_is_sent(sent: list[tuple[Request, bool]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipway("apps").exit_code == 7
    monkeypatch.delenv("SHIPWAY_URL")
    monkeypatch.delenv("SHIPWAY_TOKEN")
    assert shipway("apps").exit_code == 0
    assert len(sent) == 1
    monkeypatch.setenv("SHIPWAY_URL", "https://shop.example.org")
    monkeypatch.setenv("SHIPWAY_ENVIRONMENT", "staging")  # in a service, it is the address of the app
    assert shipway("apps").exit_code == 0
    assert len(sent) == 1


@pytest.mark.parametrize(
    "url", ["http://ship.example.org", "ship.example.org", "https://", "ftp://x", "https://[", "https://x:99999"]
)
def test_a_token_goes_only_to_an_address_with_tls(url: str) -> None:
    with pytest.raises(UsageError):
        Server(url, "swt_x")
    Server("http://127.0.0.1:8470", "swt_x")
    with pytest.raises(UsageError, match="token"):
        Server(URL, "a\r\nb")


class Answer:
    def __init__(self, status: int, *parts: bytes | Exception) -> None:
        self.status, self._parts = status, parts

    def read(self, most: int) -> bytes:
        return b"".join(part for part in self._parts if isinstance(part, bytes))

    def chunks(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part


class Asked:
    """A connection whose answers are given."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers, self.targets, self.bodies = answers, list[str](), list[Any]()

    def __call__(self, *given: object, **more: object) -> Asked:
        return self

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def request(self, method: str, target: str, body: bytes | None, headers: object) -> Any:
        self.targets.append(target)
        self.bodies.append(json.loads(body) if body else None)
        found = self.answers.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


Asking = Callable[..., Asked]
BEGUN = Answer(202, json.dumps({"id": "a" * 32, "version": __version__, "changes": True}).encode())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asking:
    def make(*answers: Any) -> Asked:
        found = Asked(list(answers))
        monkeypatch.setattr(remote_client, "Connection", found)
        return found

    monkeypatch.setattr(remote_client, "PAUSES", (0.0,) * 5)
    return make


def run(changes: bool = True) -> int:
    request = Request(["apps"], b"", "", False, False)
    return remote_client.run("http://127.0.0.1:1", "swt_x", request, changes=changes)


def line(**data: object) -> bytes:
    return json.dumps(data).encode() + b"\n"


def test_it_goes_on_where_it_was(asked: Asking, capfd: pytest.CaptureFixture[str]) -> None:
    one, two = line(to=1, data="one\n"), line(to=2, data="two\n")
    found = asked(
        ConnectionResetError("x"), BEGUN, Answer(200, one, b"\n", two[:5], ProtocolError("cut")), ConnectionRefusedError("x"),
        Answer(200, two, line(exit=3)),
    )  # fmt: skip
    assert run() == 3
    places = [target.partition("after=")[2] for target in found.targets if "after=" in target]
    assert places == ["0", str(len(one)), str(len(one))]
    assert found.bodies[0]["id"] == found.bodies[1]["id"]  # it is begun once
    printed = capfd.readouterr()
    assert (printed.out, printed.err.count("two\n")) == ("one\n", 1)


@pytest.mark.parametrize("why", [ConnectionRefusedError(111, "Connection refused"), TimeoutError()])
def test_a_server_that_does_not_answer(asked: Asking, why: Exception) -> None:
    asked(*[why] * 5)
    with pytest.raises(ServerError, match="does not answer") as caught:
        run()
    assert ("nothing was begun" in caught.value.message) == isinstance(why, ConnectionRefusedError)


@pytest.mark.parametrize(
    "answer", [Answer(502, b"<html>"), Answer(503, line(name="StoreError", message="away", hint=""))]
)
def test_a_proxy_or_a_ledger_that_is_away_for_a_moment(asked: Asking, answer: Answer) -> None:
    asked(answer, BEGUN, Answer(200, line(to=1, data="x")), answer, Answer(200, line(exit=0)))
    assert run() == 0


def test_a_server_that_stays_away(asked: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_client, "AGAIN", -1.0)
    asked(BEGUN, ConnectionResetError("gone"))
    with pytest.raises(ServerError, match="was lost: gone; the command goes on there") as caught:
        run()
    assert "shipway history" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (Answer(403, line(name="NotAllowed", message="no", hint="h")), NotAllowed, "no"),
        (Answer(400, line(name="UsageError", message="bad", hint="")), UsageError, "bad"),
        (Answer(409, line(name="GateRefused", message="gate", hint="")), GateRefused, "gate"),
        (Answer(500, line(name="ShipwayError", message="unexpected", hint="")), ShipwayError, "unexpected"),
        (Answer(418, line(name="os", message="odd", hint="")), ServerError, "odd"),
        (Answer(404, line(name="UsageError", message="not found: POST here", hint="")), ServerError, "does not answer as"),
        (Answer(200, b"<html>"), ServerError, "does not answer as"),
        (Answer(503, line(name="DiskFull", message="no space", hint="")), DiskFull, "no space"),
        (Answer(301, b""), ServerError, "does not answer as"),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)  # fmt: skip
def test_what_a_server_refuses_has_its_exit_code(
    asked: Asking, answer: Answer, kind: type[ShipwayError], message: str
) -> None:
    asked(answer)
    with pytest.raises(ShipwayError, match=message) as caught:
        run()
    assert caught.value.exit_code == kind.exit_code


@pytest.mark.parametrize("bad", [b"{}\n", b"[]\n", b'{"to": 1}\n', b"\xff\n", b'{"exit": "x"}\n', b"x" * (LARGEST + 1)])
def test_output_that_is_none(asked: Asking, bad: bytes) -> None:
    asked(BEGUN, Answer(200, bad))
    with pytest.raises(ServerError, match="does not answer as"):
        run()


def test_a_command_that_died_at_the_server(asked: Asking) -> None:
    asked(BEGUN, Answer(200, line(lost=True)))
    with pytest.raises(ServerError, match="died at the server"):
        run()


def test_another_version_is_said(asked: Asking, capfd: pytest.CaptureFixture[str]) -> None:
    other = Answer(202, json.dumps({"id": "a" * 32, "version": "99.0", "changes": True}).encode())
    asked(other, Answer(200, line(exit=0)))
    assert run() == 0
    assert "the server is 99.0" in capfd.readouterr().err


def test_ctrl_c_is_passed_on_once(asked: Asking, capfd: pytest.CaptureFixture[str]) -> None:
    found = asked(BEGUN, KeyboardInterrupt(), Answer(202, b"{}"), Answer(200, line(exit=130)))
    assert run() == 130
    assert [target for target in found.targets if target.endswith("/interrupt")]
    assert "asked to stop it" in capfd.readouterr().err
    asked(BEGUN, KeyboardInterrupt(), Answer(202, b"{}"), KeyboardInterrupt())
    with pytest.raises(Interrupted, match="goes on at the server"):
        run()
    asked(BEGUN, KeyboardInterrupt(), ConnectionResetError())
    with pytest.raises(Interrupted, match="did not answer"):
        run()
