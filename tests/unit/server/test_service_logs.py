"""Logs of services on a page: whose, how many, and that the command behind them ends with its reader."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from shipway.actions.people.manage import remove_person
from shipway.domain.permissions import VIEWER
from shipway.server import service_logs
from shipway.server.commands import Commands
from shipway.server.service_logs import OF_ONE, ServiceLogs
from shipway.system.process import Completed
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]
PATH = "/apps/shop/environments/staging/logs"


def line(text: str, release: int | None = 1) -> str:
    return json.dumps({"host": "local", "service": "backend", "replica": 1, "release": release, "line": text})


@pytest.fixture
def ready(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    place.deployed(1)
    place.observer.look("shop")
    place.words = []  # type: ignore[attr-defined]

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        place.words.append(list(words))  # type: ignore[attr-defined]
        return Completed(0, f"{line(EVIL)}\nno JSON\n[]\n{line('two', None)}\n")

    monkeypatch.setattr(Commands, "answer", answer)
    return place


def test_the_last_lines_of_all_or_of_one(ready: Place) -> None:
    found = ready.page(PATH).text
    assert "<b>backend r1</b> &lt;script&gt;" in found
    assert "<b>backend</b> two" in found
    assert "The last 2 lines" in found
    assert EVIL not in found
    ready.page(f"{PATH}?service=db")
    assert [words[:3] for words in ready.words] == [["logs", "staging", "--lines=200"], ["logs", "staging", "db"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("service", ["--since=1h", "nosuch", EVIL])
def test_a_name_never_becomes_an_option(ready: Place, service: str) -> None:
    for path in (PATH, f"{PATH}/lines"):
        assert ready.page(f"{path}?service={service}").status == 404
    assert ready.words == []  # type: ignore[attr-defined]


def test_a_command_that_fails_is_shown(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Commands, "answer", lambda *given: Completed(10, "error: the engine is away"))
    assert "the engine is away" in ready.page(PATH).text


def test_who_sees_nothing_of_the_environment(ready: Place) -> None:
    other = ready.person("o@example.org", VIEWER, "shop", "production")
    assert ready.page(PATH, other).status == 403
    assert ready.page(f"{PATH}/lines", other).status == 403


def test_lines_follow_until_the_command_ends(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = f"echo '{line('one')}'; echo nothing; printf '%s' '{line('two')[:-3]}'; sleep 0.1; echo 'o\"}}'"
    monkeypatch.setattr(Commands, "_command", lambda self, person, words: ["sh", "-c", shell])
    found = ready.page(f"{PATH}/lines", last_event_id="7").text
    events = [json.loads(text[6:]) for text in found.splitlines() if text.startswith("data: {")]
    assert [(item["seq"], item["name"], item["text"]) for item in events] == [
        (8, "backend r1", "one"),
        (9, "backend r1", "two"),
    ]
    assert found.endswith("event: over\ndata: 1\n\n")


def test_a_reader_who_leaves_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready: Place) -> None:
    monkeypatch.setattr(Commands, "_command", lambda self, person, words: ["sh", "-c", "echo $$; exec sleep 600"])
    commands = Commands(tmp_path, ready.ctx.redactor)

    async def read() -> int:
        async with commands.follow("ada", []) as lines:
            found, ended = await lines(60)
            assert not ended
            return int(found[0])

    number = asyncio.run(read())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_who_loses_the_role_reads_no_further(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command goes on writing; what it writes later is not sent."""
    monkeypatch.setattr(service_logs, "LOOK", 0.05)
    reader = ready.person("gone@example.org", VIEWER)
    shell = (
        f"echo '{line('one')}'; for i in $(seq 40); do sleep 0.1; echo '{line('more')}'; done; echo '{line('secret')}'"
    )
    monkeypatch.setattr(Commands, "_command", lambda self, person, words: ["sh", "-c", shell])
    follow = Commands.follow

    def following(self: Commands, *given: str) -> object:
        remove_person(ready.ctx, None, "gone@example.org")
        return follow(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Commands, "follow", following)
    found = ready.page(f"{PATH}/lines", reader).text
    assert '"one"' in found
    assert "secret" not in found
    assert "event: over" not in found


def test_only_so_many_are_followed_at_once(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Commands, "_command", lambda self, person, words: ["true"])
    logs = next(
        route.endpoint.__self__
        for route in _routes(ready)
        if isinstance(getattr(getattr(route, "endpoint", None), "__self__", None), ServiceLogs)
    )
    logs._following["viewer@example.com"] = OF_ONE
    assert ready.page(f"{PATH}/lines").status == 403
    logs._following["viewer@example.com"] = OF_ONE - 1
    assert ready.page(f"{PATH}/lines").status == 200
    assert logs._following["viewer@example.com"] == OF_ONE - 1


def _routes(place: Place) -> list[object]:
    from tests.unit.server.asking import routes

    return list(routes(place.app))
