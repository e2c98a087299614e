"""Commands that the release server runs for others: once, a few at a time, and their output for who may read it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.people.manage import revoke
from shipway.actions.people.tokens import revoke_token
from shipway.domain.audit import REQUEST, AuditFilter
from shipway.domain.permissions import ADMIN, ALL
from shipway.server import keeper
from shipway.server.api import commands as module
from tests.unit.server.commands_api import ID, Served, real, served

__all__ = ["real", "served"]


def test_the_same_request_again_starts_nothing_more(served: Served) -> None:
    token, other = served.token(ADMIN), served.token(ADMIN)
    first, again = served.post(token, "apps"), served.post(token, "apps")
    assert (first.status, again.status, first.text, len(served.started)) == (202, 202, again.text, 1)
    assert served.post(other, "apps").status == 404  # somebody else's
    assert served.get(other).status == 404
    assert served.send("POST", f"/commands/{ID}/interrupt", other, {}).status == 404
    for id in ("a" * 32, "..", "%2e%2e"):
        assert served.get(token, id).status == 404
    assert not list((served.ctx.home / "server" / "commands" / ID).glob(keeper.INTERRUPT))
    assert served.send("POST", f"/commands/{ID}/interrupt", token, {}).status == 202
    assert list((served.ctx.home / "server" / "commands" / ID).glob(keeper.INTERRUPT))
    entries = [item.what for item in served.ctx.ledger.audit(AuditFilter(), 50) if item.kind == REQUEST]
    assert any(what.endswith("/commands") for what in entries)


def test_only_so_many_run_at_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    token, held = served.token(ADMIN), list[int]()

    def keep(self: object, who: object, folder: Path, given: object, idle: float) -> None:
        held.append(os.open(folder / module.LOCK, os.O_RDWR | os.O_CREAT))
        fcntl.flock(held[-1], fcntl.LOCK_EX)

    monkeypatch.setattr(module.Started, "_keep", keep)
    found = [served.post(token, "apps", id=f"{number:032x}") for number in range(module.OF_ONE + 1)]
    assert [item.status for item in found] == [202] * module.OF_ONE + [429]
    assert "retry-after" in found[-1].headers
    assert served.post(served.token(ADMIN), "apps", id="f" * 32).status == 202  # another person's
    os.close(held[0])  # it has died
    assert served.post(token, "apps", id="e" * 32).status == 202
    lost = served.get(token, f"{0:032x}")
    assert json.loads(lost.text) == {"lost": True}
    for item in held[1:]:
        os.close(item)


def test_a_full_disk_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    token = served.token(ADMIN)

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.Started, "_keep", full)
    found = served.post(token, "apps")
    assert (found.status, json.loads(found.text)["name"]) == (503, "DiskFull")
    assert not (served.ctx.home / "server" / "commands" / ID).exists()


def test_output_is_kept_for_a_day(served: Served) -> None:
    token = served.token(ADMIN)
    assert served.post(token, "apps").status == 202
    folder = served.ctx.home / "server" / "commands" / ID
    (folder / keeper.ENDED).touch()
    assert served.post(token, "apps", id="a" * 32).status == 202
    assert folder.exists()
    os.utime(folder, (time.time() - module.KEPT - 1,) * 2)
    assert served.post(token, "apps", id="b" * 32).status == 202
    assert not folder.exists()


def test_output_of_all_has_a_limit(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read logs could fill the disk, 64 MB by 64 MB."""
    monkeypatch.setattr(module, "WHOLE", 250)
    token, home = served.token(ADMIN), served.ctx.home / "server" / "commands"
    for number in range(5):
        assert served.post(token, "apps", id=f"{number:032x}").status == 202
        folder = home / f"{number:032x}"
        (folder / keeper.OUTPUT).write_bytes(b"x" * 100)
        (folder / keeper.ENDED).touch()
        os.utime(folder, (time.time() - 60 + number,) * 2)
    module.tidy(served.ctx.home)
    assert sorted(item.name[-1] for item in home.iterdir()) == ["3", "4"]
    (home / f"{4:032x}" / keeper.OUTPUT).write_bytes(b"x" * 1000)
    module.tidy(served.ctx.home)
    assert [item.name[-1] for item in home.iterdir()] == ["4"]


@pytest.mark.counterpart
def test_who_loses_the_role_reads_no_further(real: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token still counts, and nothing that was typed but names is kept for that."""
    program = "import time; print('of the log', flush=True); time.sleep(60)"
    monkeypatch.setattr(module, "own_command", lambda *words: [sys.executable, "-c", program])
    monkeypatch.setattr(module, "LOOK", 0.01)
    token = real.token(ADMIN)
    person = real.ctx.ledger.tokens()[-1].person
    words = ["logs", "staging", "--follow", "--grep", "canary", "--app", "shop"]
    assert real.post(token, *words).status == 202
    folder = real.ctx.home / "server" / "commands" / ID
    assert "canary" not in (folder / module.WHO).read_text()

    def heard(part: bytes) -> None:
        if b"of the log" in part:
            revoke(real.ctx, None, person, ALL, ALL)

    found = real.get(token, heard=heard).text
    assert "of the log" in found
    assert "exit" not in found
    again = real.get(token)
    assert again.status == 403
    assert "of the log" not in again.text
    (folder / keeper.INTERRUPT).touch()


@pytest.mark.counterpart
def test_what_a_command_prints_comes_from_any_place(real: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('out'); sys.stdout.flush(); sys.stderr.buffer.write(b'\\xff'); sys.exit(len(sys.stdin.read()))"
    monkeypatch.setattr(module, "own_command", lambda *words: [sys.executable, "-c", program])
    token = real.token(ADMIN)
    assert real.post(token, "apps", stdin=base64.b64encode(b"seven!!").decode()).status == 202
    whole = real.get(token).text
    lines = [json.loads(line) for line in whole.splitlines()]
    printed = {to: "".join(item["data"] for item in lines[:-1] if item["to"] == to) for to in (1, 2)}
    assert printed == {1: "out\n", 2: "\udcff"}
    assert lines[-1] == {"exit": 7}
    first = whole.index("\n") + 1
    assert real.get(token, after=first).text == whole[first:]
    assert real.get(token, after=len(whole)).text == ""
    assert real.get(token, after=10**14).text == ""


@pytest.mark.counterpart
def test_a_command_is_interrupted_and_its_reader_cut_off(real: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import time\ntry: print('here', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    )
    monkeypatch.setattr(module, "own_command", lambda *words: [sys.executable, "-c", program])
    monkeypatch.setattr(module, "LOOK", 0.01)
    token = real.token(ADMIN)
    assert real.post(token, "apps").status == 202
    number = real.ctx.ledger.tokens()[-1].id

    def heard(part: bytes) -> None:
        if b"here" in part:
            revoke_token(real.ctx, None, number)

    found = real.get(token, heard=heard).text
    assert "here" in found
    assert "exit" not in found  # the token was revoked
    (real.ctx.home / "server" / "commands" / ID / keeper.INTERRUPT).touch()
    output = real.ctx.home / "server" / "commands" / ID / keeper.OUTPUT
    deadline = time.monotonic() + 60
    while b'{"exit": 130}' not in output.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Kept:
    """A command below a keeper, without a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / keeper.EMPTY).mkdir()
        (folder / keeper.READ).touch()

    def run(self, *command: str, idle: float = 0.0) -> list[dict[str, Any]]:
        import subprocess

        words = [sys.executable, "-m", keeper.__name__, str(self.folder), str(idle), *command]
        subprocess.run(words, stdin=subprocess.DEVNULL, check=True, timeout=60)
        assert (self.folder / keeper.ENDED).exists()
        return [json.loads(line) for line in (self.folder / keeper.OUTPUT).read_text(encoding="ascii").splitlines()]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.mark.counterpart
def test_a_command_that_is_killed_has_a_code_too(kept: Kept) -> None:
    assert kept.run("sh", "-c", "kill -9 $$")[-1] == {"exit": 137}


@pytest.mark.counterpart
def test_what_is_left_in_the_background_keeps_nobody_waiting(kept: Kept) -> None:
    assert kept.run("sh", "-c", "sleep 30 & echo $!; exit 3")[-1] == {"exit": 3}
    number = int(json.loads((kept.folder / keeper.OUTPUT).read_text().splitlines()[0])["data"])
    os.kill(number, 9)


@pytest.mark.counterpart
def test_what_nobody_reads_ends(kept: Kept) -> None:
    os.utime(kept.folder / keeper.READ, (1.0, 1.0))
    program = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: raise SystemExit(5)"
    assert kept.run(sys.executable, "-c", f"import signal\n{program}", idle=1.0)[-1]["exit"] in (5, 130)


def test_output_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LARGEST", 100)
    found = keeper.Kept(tmp_path / "output")
    for _ in range(10):
        found.add(1, b"x" * 60)
    found.write({"exit": 0})
    lines = [json.loads(line) for line in (tmp_path / "output").read_text(encoding="ascii").splitlines()]
    assert [item.get("to") for item in lines] == [1, 1, 2, None]
    assert re.search("not kept", lines[2]["data"])
