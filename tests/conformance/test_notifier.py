"""Receivers of notifications: Apprise at a server of this machine, a command, and the one in memory."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shipway.domain.errors import NotifyError
from shipway.drivers.notifier.apprise import AppriseNotifier
from shipway.drivers.notifier.command import CommandNotifier
from shipway.ports import Notifier, NotifierAccess
from shipway.testing.memory_notifier import MemoryNotifier
from shipway.testing.notifier import NOTICE, TOKEN, URL, NotifierLab, NotifierSuite
from tests.conformance.cdn_lab import Answer, Front, Request

SCRIPT = """\
import json, os, sys, time
mode = open({mode!r}).read()
if mode == "silent":
    time.sleep(600)
if mode == "refuse":
    print("no, " + os.environ.get("SHIPWAY_KEY", "without a key"))
    sys.exit(3)
with open({file!r}, "a") as file:
    file.write(sys.stdin.read())
"""


class AppriseLab:
    """A server that takes Apprise's JSON."""

    def __init__(self) -> None:
        self._mode, self._over, self._kept = "", threading.Event(), list[tuple[str, str]]()
        self.front = Front(self._answer)
        url = f"json://me:{TOKEN}@{self.front.address.removeprefix('http://')}/{TOKEN}"
        self.notifier: Notifier = AppriseNotifier(NotifierAccess(url))
        self._url = url

    def _answer(self, request: Request) -> Answer:
        if self._mode == "silent":
            self._over.wait(60)
        if self._mode:
            return 403, {}, f"{TOKEN} may not do that at {request.path}".encode()
        said = json.loads(request.body)
        self._kept.append((said["title"], said["message"]))
        return 200, {}, b"ok"

    def arrived(self) -> Sequence[tuple[str, str]]:
        return self._kept

    def refuse(self) -> None:
        self._mode = "refuse"

    def stay_silent(self) -> None:
        self._mode = "silent"
        self.notifier = AppriseNotifier(NotifierAccess(self._url, timeout=0.3))

    def close(self) -> None:
        self._over.set()
        self.front.close()


class CommandLab:
    """A script that keeps what it gets."""

    def __init__(self, folder: Path) -> None:
        self._file, self._mode = folder / "kept", folder / "mode"
        self._file.touch()
        self._mode.write_text("")
        script = folder / "tell.py"
        script.write_text(SCRIPT.format(mode=str(self._mode), file=str(self._file)))
        self._command = (sys.executable, str(script))
        self.notifier: Notifier = CommandNotifier(NotifierAccess(command=self._command))

    def arrived(self) -> Sequence[tuple[str, str]]:
        found = [json.loads(line) for line in self._file.read_text().splitlines()]
        return [(item["title"], f"{item['text']}\n{item['url']}".strip()) for item in found]

    def refuse(self) -> None:
        self._mode.write_text("refuse")

    def stay_silent(self) -> None:
        self._mode.write_text("silent")
        self.notifier = CommandNotifier(NotifierAccess(command=self._command, timeout=0.3))


class MemoryLab:
    def __init__(self) -> None:
        self.notifier = self.memory = MemoryNotifier()

    def arrived(self) -> Sequence[tuple[str, str]]:
        return [(item.title, f"{item.text}\n{item.url}".strip()) for item in self.memory.notices]

    def refuse(self) -> None:
        self.memory.fail("send", error=NotifyError("refused"))

    def stay_silent(self) -> None:
        self.memory.fail("send", error=NotifyError("it did not end within 1 second"))


class TestNotifiers(NotifierSuite):
    @pytest.fixture(params=["apprise", "command", "memory"])
    def lab(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[NotifierLab]:
        monkeypatch.setenv("SHIPWAY_KEY", TOKEN)
        if request.param == "apprise":
            lab = AppriseLab()
            yield lab
            lab.close()
        else:
            yield CommandLab(tmp_path) if request.param == "command" else MemoryLab()


def test_the_command_gets_every_field(tmp_path: Path) -> None:
    lab = CommandLab(tmp_path)
    lab.notifier.send(NOTICE)
    [line] = (tmp_path / "kept").read_text().splitlines()
    assert json.loads(line) == {
        "event": "deployed", "app": "shop", "environment": "staging", "title": NOTICE.title, "text": NOTICE.text, "at": 7.5,
        "url": URL, "trouble": False,
    }  # fmt: skip


@pytest.mark.parametrize("command", [(), ("/nowhere/tell",), ("bin/sh",)])
def test_a_command_that_is_missing(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(NotifyError, match="there is no") as caught:
        CommandNotifier(NotifierAccess(command=command)).check()
    assert caught.value.refused


def test_a_commit_mentions_nobody() -> None:
    lab = AppriseLab()
    lab.notifier.send(dataclasses.replace(NOTICE, text="@everyone <!channel> <@U1> by ada@example.org", url=""))
    [(_, text)] = lab.arrived()
    assert text == "@\u200beveryone <\u200b!channel> <\u200b@\u200bU1> by ada@example.org"
    lab.close()


@pytest.mark.parametrize("word", ["everyone", "here", "channel", "all"])
def test_no_spelling_of_a_mention_of_everybody_is_left(word: str) -> None:
    lab = AppriseLab()
    text = f"by x@{word}, x.@{word} @@{word} a@{word}.example.org <https://example.org|ok> [ok](https://example.org)"
    lab.notifier.send(dataclasses.replace(NOTICE, text=text, url=""))
    [(_, text)] = lab.arrived()
    assert f"@{word}" not in text
    assert "<https" not in text
    assert "](" not in text
    lab.close()


@pytest.mark.parametrize("url", ["", "nonsense://x", f"slack://{TOKEN}", f"{TOKEN}"])
def test_a_url_that_apprise_does_not_know_is_not_shown(url: str) -> None:
    with pytest.raises(NotifyError, match="does not understand the URL") as caught:
        AppriseNotifier(NotifierAccess(url)).check()
    assert TOKEN not in f"{caught.value!r} {caught.value.hint}"
