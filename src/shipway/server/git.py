"""Repositories that this server hosts: clone and push by HTTP, through git's own program for that."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import dataclasses
import os
import re
import shutil
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from shipway.actions.people.acting import TOKEN_VARIABLE
from shipway.actions.people.delegation import Delegate
from shipway.actions.people.identify import identify
from shipway.actions.people.permitted import require
from shipway.actions.projects.init import HOOK_MARK, hook_text, write_hook
from shipway.actions.projects.push_limits import LARGEST, SIZE
from shipway.context import Context
from shipway.domain import audit
from shipway.domain.audit import Fact
from shipway.domain.errors import NotAllowed, NotSignedIn, UsageError
from shipway.domain.people import Identity
from shipway.domain.queue import HTTP
from shipway.domain.refs import HEADS
from shipway.domain.registration import Registration
from shipway.domain.value import dataclass
from shipway.planfile.values import NAME_PATTERN
from shipway.server.recording import acting_of
from shipway.system.acting import REQUEST, acting, acting_in_request
from shipway.system.actor import DELEGATION
from shipway.system.addresses import identity
from shipway.system.git.command import environment, git
from shipway.system.installation import program
from shipway.system.locks import exclusive
from shipway.system.umask import PRIVATE

FOLDER = "git"  # of the home
SERVICES = ("git-upload-pack", "git-receive-pack")
PUSH = "git-receive-pack"
CHUNK = 1 << 16
SLACK = 64 << 20  # bytes of a push beside its pack: names of refs
LARGEST_FETCH = 64 << 20  # bytes of what a fetch asks for
ROOM = 64 << 20  # bytes on the disk without which no push is received
MOST_LINES, LINES = 5000, 8 << 20  # of what a push asks for before its pack, and their bytes: git keeps all in memory
REST = 60.0  # seconds in which a client sends the rest of what git does not read
HOOKS = ("pre-receive", "post-receive")

# The plan on the default branch, and on each branch that an app is registered with, is the source of the rules in force.
UPDATE = """\
#!/bin/sh
head=$(git symbolic-ref HEAD)
case " $head $SHIPWAY_GUARDED " in *" $1 "*) ;; *) exit 0 ;; esac
may=$SHIPWAY_MAY
[ "$1" = "$head" ] || may=release
case " $SHIPWAY_WITHHELD " in *" $1 "*) may=run ;; esac
if [ "$may" != release ]; then
  echo "the rules in force are on ${1#refs/heads/}: who pushes there needs the permission deploy.protected" >&2
  exit 1
fi
case $2 in *[!0]*) git merge-base --is-ancestor "$2" "$3" && exit 0 ;; *) exit 0 ;; esac
echo "${1#refs/heads/} can't be rewritten or deleted: the rules in force are there" >&2
exit 1
"""


@dataclass(frozen=True)
class Pusher:
    """Who pushes, and to which branches with rules in force they may not."""

    person: str
    may: str = "run"  # to the default branch: release, or only run
    guarded: tuple[str, ...] = ()  # refs that an app of the repository is registered with
    withheld: tuple[str, ...] = ()  # those of them to which this person may not push


class Repositories:
    """The routes of repositories: /git/NAME.git. A push needs the permission `run` for the app of that name. The first
    push of somebody with the permission `webhooks` creates the repository, with the hook."""

    def __init__(self, ctx: Context, largest: int = LARGEST) -> None:
        self._ctx, self._largest = ctx, largest

    async def refs(self, request: Request) -> Response:
        """The first question of a clone or a push."""
        return await self._answer(request, "info/refs", request.query_params.get("service", ""))

    async def service(self, request: Request) -> Response:
        """What follows."""
        service = str(request.path_params["service"])
        return await self._answer(request, service, service)

    async def _answer(self, request: Request, path: str, service: str) -> Response:
        name = str(request.path_params["name"])
        try:
            who = await run_in_threadpool(identify, self._ctx, _token(request))
            with acting_in_request(acting_of(who, request)):
                folder = await run_in_threadpool(self._repository, who, name, service)
                entry = await run_in_threadpool(self._recorded, name, path)
        except NotSignedIn as error:
            hint = "the password is a token: `shipway token create`"
            return PlainTextResponse(f"{error.message}; {hint}\n", 401, {"WWW-Authenticate": 'Basic realm="Shipway"'})
        except NotAllowed as error:
            return PlainTextResponse(f"{error.message}\n", 403)
        except UsageError as error:
            return PlainTextResponse(f"{error.message}\n", 404)
        if service == PUSH and shutil.disk_usage(folder).free < ROOM:
            return PlainTextResponse("the disk of the server is full: nothing was received, try it again later\n", 507)
        pusher = await run_in_threadpool(self._pusher, who, name, folder)
        given = await run_in_threadpool(Delegate(self._ctx).to, who) if service == PUSH else ""
        with acting_in_request(dataclasses.replace(acting_of(who, request), entry=entry)):
            return await _backend(request, folder, path, pusher, given, self._largest)

    def _pusher(self, who: Identity, name: str, folder: Path) -> Pusher:
        """With the branches of all apps whose plans are in the repository: they need not be the default one."""
        ledger, here, served = self._ctx.ledger, identity(str(folder)), f"/{FOLDER}/{name}"  # by its path, or by HTTP
        found = [made for app in ledger.apps() if (made := ledger.registration(app)) is not None]
        named = [(made, [identity(address) for address in made.addresses]) for made in found]
        own = [made for made, known in named if here in known or any(item.endswith(served) for item in known)]
        withheld = [made for made in own if not who.may("deploy.protected", made.app)]
        may = "release" if who.may("deploy.protected", self._ctx.names.app(name)) else "run"
        return Pusher(who.person, may, _refs(own), _refs(withheld))

    def _recorded(self, name: str, path: str) -> int:
        """The audit's entry of a push, which its hook names; 0: nothing is pushed."""
        app = self._ctx.names.app(name)
        return self._ctx.ledger.add_entry(Fact(audit.REQUEST, f"git push to {name}", app)) if path == PUSH else 0

    def _repository(self, who: Identity, name: str, service: str) -> Path:
        """Its folder, which a first push creates. NotAllowed, UsageError."""
        if service not in SERVICES or not re.fullmatch(NAME_PATTERN, name):
            raise UsageError(f"there is no repository {name}, or not this service of it")
        app = self._ctx.names.app(name)
        require(who, "run", app)
        folder = self._ctx.home / FOLDER / f"{name}.git"
        if not (folder / "HEAD").exists():
            if service != PUSH or not who.may("webhooks"):
                raise UsageError(f"there is no repository {name}")
            self._ctx.ledger.add_entry(Fact("repository", f"made the repository {name}", app))
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The last step: without it, a push would start nothing.
        if not all((folder / "hooks" / name).exists() for name in HOOKS) or _is_former(folder, self._ctx.home):
            with exclusive(folder.with_suffix(".lock"), f"the repository {name}"):
                git(folder, "init", "--quiet", "--bare", "--initial-branch=main", umask=PRIVATE)
                git(folder, "config", "http.receivepack", "true", umask=PRIVATE)
                git(folder, "config", "core.hooksPath", str(folder / "hooks"), umask=PRIVATE)  # not the user's
                write_hook(folder, self._ctx.home, program(), force=False)
        if _text(folder / "hooks" / "update") != UPDATE:  # that of another version guards less
            with exclusive(folder.with_suffix(".lock"), f"the repository {name}"):
                part = folder / "hooks" / ".update.part"  # never half a hook, beside another push
                part.write_text(UPDATE, encoding="utf-8")
                part.chmod(0o755)
                part.replace(folder / "hooks" / "update")
        return folder


def _refs(registrations: Iterable[Registration]) -> tuple[str, ...]:
    return tuple(sorted({f"{HEADS}{made.branch}" for made in registrations}))


def _is_former(folder: Path, home: Path) -> bool:
    """Whether another version of Shipway wrote its hook."""
    text = _text(folder / "hooks" / "post-receive")
    return HOOK_MARK in text and text != hook_text(home, program())


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


class _Output(StreamingResponse):
    """What git answers. Starlette's own response reads what the client sends, to notice that it goes: parts of a push
    would be lost. Git's output is read to its end, also if no client listens any more: who disconnects stops nothing."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.stream_response(send)


async def _backend(
    request: Request, folder: Path, path: str, pusher: Pusher, delegation: str, largest: int
) -> Response:
    stream: AsyncIterator[bytes] = request.stream()
    begin = b""
    if path == PUSH:
        if request.headers.get("content-encoding", "") in ("gzip", "x-gzip"):
            stream = _inflated(stream)
        try:
            begin = await _asked_for(stream)
        except (RuntimeError, ClientDisconnect, zlib.error):
            return PlainTextResponse("the push has no end\n", 400)
        except UsageError as error:
            return PlainTextResponse(f"{error.message}\n", 413)
    process = await asyncio.create_subprocess_exec(
        "git", "-c", f"{SIZE}={largest}", "http-backend",
        env={**_environment(request, folder, path, pusher), DELEGATION: delegation}, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def feed() -> None:
        """All that comes, to git: it refuses a push that is too large, and says so at its end, to which a client reads only
        when it has sent all. So the rest is read and forgotten, up to a bound."""
        left, wanted = (2 * largest + SLACK if path == PUSH else LARGEST_FETCH), True
        try:
            stdin.write(begin)
            async for part in stream:
                left -= len(part)
                if left < 0:
                    break
                try:
                    if wanted:
                        stdin.write(part)
                        await stdin.drain()
                except ConnectionError:
                    wanted = False
        except (RuntimeError, ClientDisconnect, zlib.error):  # the client is gone
            pass
        finally:
            stdin.close()

    feeding = asyncio.create_task(feed())
    try:
        head = await stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return PlainTextResponse("git gave no answer\n", 502)
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").strip().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])

    async def body() -> AsyncIterator[bytes]:
        while part := await stdout.read(CHUNK):
            yield part
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(feeding, REST)
        await process.wait()

    return _Output(body(), status, headers)


async def _inflated(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What was compressed, in small parts: a few bytes can be a thousand times more."""
    inflate = zlib.decompressobj(31)
    async for part in stream:
        while part:
            yield inflate.decompress(part, CHUNK)
            part = inflate.unconsumed_tail


async def _asked_for(stream: AsyncIterator[bytes]) -> bytes:
    """The beginning of a push, up to its pack: the branches and tags that it changes, each with its length in front. UsageError for
    more than git may keep in memory; then the rest is read and forgotten, since a client reads the answer at its end."""
    begin, at, count = bytearray(), 0, 0
    async for part in stream:
        begin += part
        while len(begin) - at >= 4 and count <= MOST_LINES:
            try:
                size = int(begin[at : at + 4], 16)
            except ValueError:
                return bytes(begin)  # git says what is wrong with it
            if size == 0:
                return bytes(begin)
            if len(begin) - at < size:
                break
            at, count = at + max(size, 4), count + 1
        if count > MOST_LINES or len(begin) > LINES:
            left = LARGEST_FETCH
            async for more in stream:
                left -= len(more)
                if left < 0:
                    break
            raise UsageError(f"this push changes more than {MOST_LINES} branches and tags: push them in parts")
    return bytes(begin)


def _environment(request: Request, folder: Path, path: str, pusher: Pusher) -> Mapping[str, str]:
    """What CGI programs are told, and for the hook who pushes. The server's own variables stay: the hook needs its ledger."""
    given: dict[str, Any] = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_") and name != TOKEN_VARIABLE},
        **{name: value for name, value in environment().items() if name.startswith("GIT_CONFIG")},
        "GIT_PROJECT_ROOT": str(folder.parent), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{folder.name}/{path}",
        "REQUEST_METHOD": request.method, "QUERY_STRING": request.url.query, "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": "" if path == PUSH else request.headers.get("content-encoding", ""), "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": pusher.person, "SHIPWAY_ACTOR": pusher.person, "SHIPWAY_VIA": HTTP, REQUEST: acting().entry,
        "SHIPWAY_MAY": pusher.may, "SHIPWAY_GUARDED": " ".join(pusher.guarded), "SHIPWAY_WITHHELD": " ".join(pusher.withheld),
    }  # fmt: skip
    return {name: str(value) for name, value in given.items() if value != ""}


def _token(request: Request) -> str:
    """The password of the Basic login, or a bearer token."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return text.strip()
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
