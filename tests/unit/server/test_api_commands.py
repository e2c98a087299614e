"""Commands that a command line elsewhere asks for: who may start which, and what comes back."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from shipway import __version__
from shipway.actions.people.manage import revoke
from shipway.actions.people.tokens import revoke_token
from shipway.cli import cli
from shipway.cli.typed import typed
from shipway.domain.audit import COMMAND, REFUSED, REQUEST, AuditFilter
from shipway.domain.command_table import COMMANDS, LOCAL, REMOTE
from shipway.domain.permissions import ADMIN, ALL, PERMISSIONS, PROTECTED, ROLES
from shipway.server import keeper
from shipway.server.api import commands as module
from shipway.server.api.operation import PREFIX
from shipway.server.site import Site
from shipway.server.web import application
from tests.unit.cli.test_which_plan import commands as all_commands
from tests.unit.server.api import Api
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import CHEAP, forge

ID = "0123456789abcdef" * 2
VALUES = {
    "name": "KEY",
    "number": "1",
    "snapshot": "1",
    "target": "staging",
    "first": "r1",
    "second": "r1",
    "old": "shop",
    "old env": "staging",
}


class Served(Api):
    """The server, and what it would start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.app = application(Site(self.ctx, self.observer, CHEAP, forge, parse=typed))
        self.observer.look("shop")
        self.started: list[list[str]] = []

    def post(self, token: str, *words: str, id: str = ID, **more: Any) -> Answer:
        body = {"protocol": module.PROTOCOL, "version": __version__, "id": id, "words": list(words), **more}
        return self.send("POST", "/commands", token, body)

    def get(
        self, token: str, id: str = ID, after: int = 0, heard: Callable[[bytes], object] = lambda part: None
    ) -> Answer:
        path = f"{PREFIX}/commands/{id}/output?after={after}"
        return ask(self.app, path, heard=heard, authorization=f"Bearer {token}")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    found = Served(tmp_path)
    monkeypatch.setattr(
        module.Started, "_keep", lambda self, who, folder, given, idle: found.started.append(given["words"])
    )
    return found


@pytest.fixture
def real(tmp_path: Path) -> Served:
    """Nothing is replaced but the command itself."""
    return Served(tmp_path)


def words_of(name: str, environment: str) -> list[str]:
    """A command as it could be typed."""
    ctx, found = click.Context(cli), cli
    for word in name.split():
        inner = found.get_command(ctx, word)  # type: ignore[attr-defined]
        assert inner is not None
        found = inner
    words = name.split()
    for parameter in found.params:
        if parameter.param_type_name != "argument" or not parameter.required:
            continue
        given = VALUES.get(str(parameter.name), "x")
        if parameter.name in ("environment", "target", "environments"):
            given = environment
        if name == "rename environment" and parameter.name == "old":
            given = environment
        if isinstance(parameter.type, click.Choice):
            given = str(parameter.type.choices[0])
        words.append(given)
    if any("--plan" in parameter.opts for parameter in found.params):
        words += ["--app", "shop"]
    if any("--env" in parameter.opts for parameter in found.params):
        words += ["--env", environment]
    return words


def test_each_command_has_a_row() -> None:
    """A new command needs a decision: what it needs of whom, and where it runs."""
    assert set(COMMANDS) == set(all_commands())
    for row in COMMANDS.values():
        needed = [*row.permissions, *(name for names in row.options.values() for name in names)]
        assert set(needed) <= set(PERMISSIONS), row.name
        assert row.needed({}) or row.remote != REMOTE, f"{row.name} runs for anybody"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_row_names_parameters_that_there_are(name: str) -> None:
    ctx, found = click.Context(cli), cli
    for word in name.split():
        found = found.get_command(ctx, word)  # type: ignore[attr-defined, assignment]
    row, known = COMMANDS[name], {str(item.name) for item in found.params}
    named = (
        {key.partition("=")[0].lstrip("-") for key in row.options}
        | set(row.here)
        | {key.lstrip("-") for key in row.stdin}
    )
    named |= set(row.environments) - {"environment"} | set(row.apps) - {"app"}
    assert named <= known
    if row.remote != REMOTE:
        return
    files = {
        str(item.name)
        for item in found.params
        if isinstance(item.type, click.Path | click.File) or item.metavar in ("FILE", "PATH")
    }
    assert files - {"plan"} <= set(row.here), "a file of the server is not for who asks"
    for key in ("environment", "env"):
        assert key not in known or key in row.environments or not set(row.needed({})) - {"run", "webhooks", "audit"}


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_command_needs_its_permissions(served: Served, role: str, environment: str) -> None:
    """Of the table: tried by each role, and by nobody."""
    token = "swt_" + "x" * 43 if role == "nobody" else served.token(role)
    refused = 0
    for number, row in enumerate(COMMANDS.values()):
        before = len(served.started)
        found = served.post(token, *words_of(row.name, environment), id=f"{number:032x}")
        wanted = row.needed(typed(words_of(row.name, environment)).given) if row.remote == REMOTE else ()
        least = max((ROLES.index(_role(permission, row.name, environment)) for permission in wanted), default=0)
        expected = (
            401 if role == "nobody" else 400 if row.remote != REMOTE else 202 if ROLES.index(role) >= least else 403
        )
        assert found.status == expected, (row.name, found.text)
        assert (len(served.started) > before) == (expected == 202), row.name
        refused += expected != 202
    assert refused > (0 if role == ADMIN else 20)


def _role(permission: str, name: str, environment: str) -> str:
    """The least role. What names no environment is about all of them."""
    whole = environment not in words_of(name, environment)
    special = permission + PROTECTED
    return PERMISSIONS[
        special if special in PERMISSIONS and (whole or environment == "production") else permission
    ].role


def test_a_token_gives_no_more_than_it_was_made_for(served: Served) -> None:
    for number, row in enumerate(row for row in COMMANDS.values() if row.remote == REMOTE):
        given = typed(words_of(row.name, "staging")).given
        without = [
            item
            for item in PERMISSIONS
            if item.removesuffix(PROTECTED) not in {name.removesuffix(PROTECTED) for name in row.needed(given)}
        ]
        token = served.token(ADMIN, *without)
        assert served.post(token, *words_of(row.name, "staging"), id=f"{number:032x}").status == 403, row.name
    assert served.started == []


def test_what_is_not_granted_is_not_reached_by_another_name(served: Served) -> None:
    token = served.token("developer", app="shop", environment="staging")
    assert served.post(token, "deploy", "staging", "r1", "--app", "shop").status == 202
    for number, words in enumerate((
        ["deploy", "production", "--app", "shop"], ["deploy", "staging", "--app", "other"], ["history", "production", "--app", "shop"],
        ["insights", "other", "--app", "shop"], ["apps", "--app", "shop"], ["restart", "staging"], ["prune", "--app", "shop"],
        ["history", "--commands", "--app", "shop"], ["rename", "app", "shop", "x"], ["secret", "copy", "--from", "production", "staging", "--app", "shop"],
        ["secret", "set", "registry", "KEY", "--for", "x", "--app", "shop"], ["deploy", "staging", "--override-freeze", "--reason", "x", "--app", "shop"],
        ["audit"], ["audit", "show", "--app", "shop"], ["infra", "staging", "destroy", "--app", "shop"], ["rules", "--app", "shop"],
    ), 1):  # fmt: skip
        found = served.post(token, *words, id=f"{number:032x}")
        assert found.status in ((202,) if words[0] == "apps" else (400, 403)), (words, found.text)
    assert served.post(token, "status", "--app", "shop", id="a" * 32).status == 202  # which shows only what may be seen
    entries = [item for item in served.ctx.ledger.audit(AuditFilter(), 100) if item.kind == COMMAND]
    refused = {(item.what, item.app, item.environment, item.outcome) for item in entries}
    assert {("prune", "shop", "", REFUSED), ("deploy", "", "", REFUSED)} <= refused
    assert all(item.proof.startswith("token ") for item in entries)


@pytest.mark.parametrize(
    "words",
    [
        ["--home", "/tmp", "status"], ["--as", "x", "status"], ["status", "--plan", "/etc"], ["status", "--plan=/etc", "--app", "shop"],
        ["nonsense"], ["rules", "nonsense"], ["secret"], ["approve", "staging", "--sign", "/root/.ssh/id", "--app", "shop"],
        ["approve", "staging", "--sign", "--app", "shop"], ["secret", "import", "staging", "/etc/shadow", "--app", "shop"],
        ["proof", "r1", "--html", "/tmp/x", "--app", "shop"], ["dev", "up"], ["init", "--home", "/tmp"], ["worker", "--push", "1"],
        ["hook"], ["status\0"], [], ["x"] * 201, ["status", "\ud800"], [7], ["status", "x" * 70_000],
    ],
    ids=lambda words: ascii(words)[:40],
)  # fmt: skip
def test_what_is_no_command_for_others_is_refused(served: Served, words: list[Any]) -> None:
    found = served.post(served.token(ADMIN), *words)
    assert (found.status, served.started) == (400, []), found.text
    assert json.loads(found.text)["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"protocol": 99},
        {"protocol": None},
        {"id": "../../etc"},
        {"id": "x"},
        {"stdin": "!"},
        {"extra": 1},
        {"quiet": 1},
        {"colour": "yes"},
        {"as": "a\0b"},
    ],
    ids=str,
)
def test_a_bad_request_is_refused(served: Served, more: dict[str, Any]) -> None:
    found = served.send(
        "POST", "/commands", served.token(ADMIN), {"protocol": 1, "version": "1", "id": ID, "words": ["apps"], **more}
    )
    assert (found.status, served.started) == (400, []), found.text
    if "protocol" in more:
        assert __version__ in found.text


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    found = served.post(served.token(ADMIN), "apps", stdin=base64.b64encode(b"x" * (6 << 20)).decode())
    assert (found.status, served.started) == (413, [])


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


def test_what_runs_here_in_any_case_needs_nothing() -> None:
    assert {name for name, row in COMMANDS.items() if row.remote == LOCAL and row.permissions} == set()
