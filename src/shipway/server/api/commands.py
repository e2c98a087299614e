"""Commands that a command line elsewhere asks for: the same code as here, as processes that go on if the server ends, and whose
output can be fetched again from any place."""

from __future__ import annotations

import asyncio
import base64
import binascii
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from shipway import __version__
from shipway.actions.people.commanded import Commanded, refuse_elsewhere, require_app, require_command
from shipway.actions.people.delegation import Delegate
from shipway.app import describing
from shipway.domain.audit import COMMAND, REFUSED, Fact
from shipway.domain.command_table import LONGEST_STDIN
from shipway.domain.errors import NotAllowed, ShipwayError, UsageError
from shipway.domain.identity import identity
from shipway.domain.people import Identity
from shipway.domain.plan import Environment
from shipway.server import keeper
from shipway.server.api.asking import audited, body_of, token_identity
from shipway.server.api.operation import SAFE, Refused
from shipway.server.commands import variables_for
from shipway.server.orders import Busy
from shipway.server.site import Site
from shipway.server.threads import Threads
from shipway.system.background import own_command

PROTOCOL = 1  # what this and the command line understand
PLACE = "/commands"
MOST, LONGEST = 200, 1 << 16  # words, and characters of all of them
LARGEST = (LONGEST_STDIN * 4) // 3 + LONGEST * 6 + 4096  # bytes of a request: stdin is in base64
AT_ONCE, OF_ONE = 32, 8  # commands that run, of all people and of one
KEPT, MANY, WHOLE = (
    86400.0,
    1000,
    1 << 30,
)  # seconds that output is kept, commands at most, and bytes of those that have ended
IDLE = 60.0  # seconds after which a command that only reads ends if its output is not taken
POLL, LATER, SOON = 0.05, 0.25, 10.0  # seconds between looks for output; later, after so many without any
LOOK, ALIVE = 5.0, 10.0  # seconds between looks whether who reads still may, and signs of life
PART = 1 << 16  # bytes of output sent at once
THREADS = 8
WHO, LOCK = "command.json", "lock"


class Started:
    """The routes. Only the token that started a command gets its output and may interrupt it."""

    def __init__(self, site: Site) -> None:
        self._site, self._home = site, folder_of(site.ctx.home)
        self._threads, self._starting = Threads(THREADS), threading.Lock()

    def routes(self) -> list[BaseRoute]:
        """They are for the command line, and no part of the document."""
        return [
            Route(PLACE, self.start, methods=["POST"]),
            Route(f"{PLACE}/{{id}}/output", self.output),
            Route(f"{PLACE}/{{id}}/interrupt", self.interrupt, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """Start a command. The same request again starts nothing more."""
        who = await self._threads.run(token_identity, self._site, request)

        async def work() -> Response:
            given = _given(await body_of(request, LARGEST))
            return JSONResponse(await self._threads.run(self._start, who, given), 202)

        return await audited(self._site.ctx, request, who, work())

    async def output(self, request: Request) -> Response:
        """What it has printed, from a place on, and what it prints."""
        who = await self._threads.run(token_identity, self._site, request)
        after = request.query_params.get("after", "0")
        if not re.fullmatch("[0-9]{1,15}", after):
            raise Refused(400, "after is no number")
        folder = await self._threads.run(self._own, request, who)
        await self._threads.run(self._require_still, folder, who)
        return StreamingResponse(
            self._lines(request, folder, int(after)), media_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"}
        )  # fmt: skip

    async def interrupt(self, request: Request) -> Response:
        """Stop it as Ctrl-C does."""
        who = await self._threads.run(token_identity, self._site, request)

        async def work() -> Response:
            folder = await self._threads.run(self._own, request, who)
            await self._threads.run((folder / keeper.INTERRUPT).touch, 0o600)
            return JSONResponse({}, 202)

        return await audited(self._site.ctx, request, who, work())

    def _start(self, who: Identity, given: dict[str, Any]) -> dict[str, Any]:
        ctx = self._site.ctx
        command = self._permitted(who, given)
        answer = {"id": given["id"], "version": __version__, "changes": command.row.changes(command.given)}
        folder = self._home / given["id"]
        with self._starting:
            if folder.exists():
                self._require_own(folder, who)
                return answer
            with suppress(OSError):  # another process may do it too
                tidy(ctx.home)
            self._require_free(who.person)
            try:
                self._prepare(who, folder, command)
                self._keep(who, folder, given, 0.0 if answer["changes"] else IDLE)
            except OSError as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise Refused(
                    503,
                    f"the server can't start a command: {error.strerror}",
                    hint="nothing was begun",
                    name="DiskFull",
                ) from error
        return answer

    def _prepare(self, who: Identity, folder: Path, command: Commanded) -> None:
        folder.mkdir(mode=0o700)
        (folder / keeper.EMPTY).mkdir(mode=0o700)
        (folder / keeper.READ).touch(0o600)
        (folder / keeper.OUTPUT).touch(0o600)
        given = {name: command.given.get(name) for name in command.row.deciding}  # what else was typed is not kept
        data = {"person": who.person, "token": who.number, "path": command.path, "given": given}
        (folder / WHO).write_text(json.dumps(data), encoding="ascii")

    def _permitted(self, who: Identity, given: dict[str, Any]) -> Commanded:
        """The command. Refused if it is none, or doesn't run at a server; NotAllowed if they may not do it."""
        try:
            if given["as"] and identity(given["as"]) != who.person:
                raise NotAllowed(f"the token is one of {who.person}, not of {identity(given['as'])}")
            command = self._site.parse(given["words"])
            refuse_elsewhere(command)
            require_app(command)
        except UsageError as error:
            raise Refused(400, error.message, hint=error.hint) from error
        try:
            require_command(self._site.ctx, who, command, self._described)
        except NotAllowed:
            self._site.ctx.ledger.add_entry(self._refused(command))
            raise
        return command

    def _refused(self, command: Commanded) -> Fact:
        """For the audit: what was asked for, and of it only names that there are."""
        ledger, names = self._site.ctx.ledger, self._site.ctx.names
        app = names.app(str(command.given.get("app") or ""))
        app = app if app in ledger.apps() else ""
        environment = names.environment(app, str(command.given.get("environment") or ""))
        known = app and environment in ledger.environments(app)
        return Fact(COMMAND, command.path, app, environment if known else "", outcome=REFUSED)

    def _described(self, app: str, environment: str) -> Sequence[Environment]:
        """As the board has it, so that this is soon answered; the command itself reads it again."""
        names = self._site.ctx.names
        plans = self._site.observer.board(names.shown(app)).plans
        return (
            describing(self._site.ctx, app, environment)
            if plans is None
            else plans.get(names.shown(app, environment), ())
        )

    def _require_free(self, person: str) -> None:
        running = [
            json.loads((found / WHO).read_text(encoding="ascii"))["person"]
            for found in _folders(self._home)
            if _is_going(found)
        ]
        if running.count(person) >= OF_ONE or len(running) >= AT_ONCE:
            raise Busy(
                f"{running.count(person)} commands of yours run at this server, and {len(running)} of all people",
                hint=f"wait for them: {OF_ONE} of one person run at the same time, and {AT_ONCE} in all",
            )

    def _keep(self, who: Identity, folder: Path, given: dict[str, Any], idle: float) -> None:
        quiet = ["--quiet"] if given["quiet"] else []
        words = own_command("--home", str(self._site.ctx.home), "--as", who.person, *quiet, *given["words"])
        colour = "FORCE_COLOR" if given["colour"] else "NO_COLOR"
        variables = {
            name: value for name, value in variables_for(Delegate(self._site.ctx).to(who)).items()
            if name not in ("FORCE_COLOR", "NO_COLOR")
        }  # fmt: skip
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the process has ended that inherits it
            process = subprocess.Popen(
                [sys.executable, "-m", keeper.__name__, str(folder), str(idle), *words], cwd="/", start_new_session=True,
                env={**variables, colour: "1", "PYTHONUTF8": "1"}, pass_fds=[lock], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        finally:
            os.close(lock)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(given["stdin"])
            process.stdin.close()
        threading.Thread(target=process.wait, daemon=True).start()  # fetches its exit code, as the system asks

    def _own(self, request: Request, who: Identity) -> Path:
        """The folder of a command of theirs. Refused if there is none."""
        found = str(request.path_params["id"])
        folder = self._home / found
        if not re.fullmatch("[0-9a-f]{32}", found) or not folder.is_dir():
            raise _unknown()
        self._require_own(folder, who)
        return folder

    def _require_own(self, folder: Path, who: Identity) -> None:
        owner = json.loads((folder / WHO).read_text(encoding="ascii"))
        if (owner["person"], owner["token"]) != (who.person, who.number):
            raise _unknown()

    def _require_still(self, folder: Path, who: Identity) -> None:
        """NotAllowed for who has lost the role by which they started it, and reads no further."""
        kept = json.loads((folder / WHO).read_text(encoding="ascii"))
        require_command(self._site.ctx, who, Commanded(kept["path"], kept["given"]), self._described)

    async def _lines(self, request: Request, folder: Path, at: int) -> AsyncIterator[bytes]:
        quiet = told = time.monotonic()
        looked = 0.0
        while True:
            now = time.monotonic()
            if now - looked > LOOK:
                looked = now
                try:
                    await self._threads.run(self._again, request, folder)
                except ShipwayError:  # who asks again is told
                    return
            going = await self._threads.run(_is_going, folder)
            data = await self._threads.run(_read, folder, at)
            if data:
                at, quiet, told = at + len(data), now, now
                yield data
            elif not going:
                if not (folder / keeper.ENDED).exists():
                    yield b'{"lost": true}\n'
                return
            else:
                if now - told > ALIVE:
                    told = now
                    yield b"\n"
                await asyncio.sleep(POLL if now - quiet < SOON else LATER)

    def _again(self, request: Request, folder: Path) -> None:
        """See who reads once more, and note that somebody does."""
        who = token_identity(self._site, request)
        self._require_own(folder, who)
        self._require_still(folder, who)
        (folder / keeper.READ).touch()


def folder_of(home: Path) -> Path:
    """Where commands are kept."""
    found = home / "server" / "commands"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def tidy(home: Path) -> None:
    """Remove those that ended a day ago, and the oldest ones if there are many, or much."""
    ended = sorted((found.stat().st_mtime, found) for found in _folders(folder_of(home)) if not _is_going(found))
    size = 0
    for number, (at, found) in enumerate(reversed(ended), 1):
        size += (found / keeper.OUTPUT).stat().st_size
        if time.time() - at > KEPT or number >= MANY or (size > WHOLE and number > 1):
            shutil.rmtree(found, ignore_errors=True)


def _folders(home: Path) -> list[Path]:
    return [found for found in home.iterdir() if (found / WHO).exists()]


def _is_going(folder: Path) -> bool:
    """Whether its process still is there."""
    if (folder / keeper.ENDED).exists():
        return False
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _read(folder: Path, at: int) -> bytes:
    """Whole lines from there on."""
    file = os.open(folder / keeper.OUTPUT, os.O_RDONLY)
    try:
        data = b""
        while part := os.pread(file, PART, at + len(data)):
            data += part
            if (end := data.rfind(b"\n")) >= 0:
                return data[: end + 1]
    finally:
        os.close(file)
    return b""


def _unknown() -> Refused:
    return Refused(404, "there is no such command, or not any more", hint="output is kept for a day")


_FIELDS: dict[str, Any] = {
    "protocol": 0, "version": "", "id": "", "words": [], "stdin": "", "as": "", "quiet": False, "colour": False,
}  # fmt: skip


def _given(body: bytes) -> dict[str, Any]:
    """What a request gives. Refused if it is not that."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, "the body is not an object of JSON")
    if data.get("protocol") != PROTOCOL:
        raise Refused(
            400, f"this server is Shipway {__version__}, and doesn't understand the command line, which is another version",
            hint=f"install Shipway {__version__} here, or the same version on both sides",
        )  # fmt: skip
    found = {**_FIELDS, **data}
    if set(found) != set(_FIELDS) or any(type(found[name]) is not type(kind) for name, kind in _FIELDS.items()):
        raise Refused(400, "the body has unknown keys, or values of other types")
    if not re.fullmatch("[0-9a-f]{32}", found["id"]):
        raise Refused(400, "id is not 32 hexadecimal digits")
    _require_words(found["words"])
    if not SAFE.fullmatch(found["as"]):
        raise Refused(400, "as contains control characters")
    try:
        found["stdin"] = base64.b64decode(found["stdin"], validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "stdin is not base64") from None
    return found


def _require_words(words: Sequence[Any]) -> None:
    if not words or len(words) > MOST or not all(isinstance(word, str) for word in words):
        raise Refused(400, f"words are not a list of 1 to {MOST} texts")
    if sum(map(len, words)) > LONGEST or not all(SAFE.fullmatch(word) for word in words):
        raise Refused(400, f"words have more than {LONGEST} characters, or control characters")
    if words[0].startswith("-"):
        raise Refused(400, "global options are of the command line itself")
