"""What people do on the pages: approve, deploy, roll back. Each is a command that runs as on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipway.actions.people.delegation import Delegate
from shipway.actions.people.permitted import require
from shipway.domain.errors import NotAllowed, UsageError
from shipway.domain.people import Identity
from shipway.server.access import form_of, identity_of, sees
from shipway.server.commands import Commands, Read
from shipway.server.pages import COMMIT, NUMBER, unknown_app
from shipway.server.site import Site
from shipway.server.threads import Threads
from shipway.system.plain import plain
from shipway.system.process import Completed

LONGEST = 2000  # characters of a note
AT_ONCE, OF_ONE = 8, 3  # commands whose answer is waited for, of all people and of one
T = TypeVar("T")
Page = Callable[..., Response]
Work = Callable[[str, Sequence[str], str], T]  # who, the command, and what proves that it is for them


class Busy(NotAllowed):
    """Too many commands of one person have not answered yet."""


class Orders:
    """The routes of what changes something. Each needs its permission, and a form of this session."""

    def __init__(self, site: Site, page: Page) -> None:
        self._site, self._page = site, page
        self.commands, self._threads = Commands(site.ctx.home, site.ctx.redactor), Threads(AT_ONCE)
        self._delegate = Delegate(site.ctx)
        self._waiting = Counter[str]()  # commands whose answer is not there yet, by person

    async def approve(self, request: Request) -> Response:
        """Approve a release, with a note."""
        app, environment = await self.allowed(request, "approve")
        form = await form_of(request)
        words = ["approve", environment, _release(form), f"--reason={_note(form)}", "--app", app]
        done = await self._command(request, self.commands.answer, words)
        return self._told(request, app, "Approved", done)

    async def reject(self, request: Request) -> Response:
        """Reject the deployment of a release that waits, with a note."""
        app, environment = await self.allowed(request, "approve")
        form = await form_of(request)
        words = ["reject", environment, _release(form), f"--reason={_note(form)}", "--app", app]
        done = await self._command(request, self.commands.answer, words)
        return self._told(request, app, "Rejected", done)

    async def ask_deploy(self, request: Request) -> Response:
        """What a deployment would do, before the click."""
        app, environment = await self.allowed(request, "deploy")
        release = _release({"release": request.query_params.get("release", "")})
        words = ["deploy", environment, release, "--dry-run", "--app", app]
        done = await self._command(request, self.commands.answer, words)
        return self._page(
            request, "deploy.html", 200, app=app, environment=environment, output=done.output, code=done.code,
            release=release[1:],
        )  # fmt: skip

    async def deploy(self, request: Request) -> Response:
        """Deploy a release."""
        form = await form_of(request)
        words = ["--override-freeze", f"--reason={_note(form)}"] if form.get("freeze") == "override" else []
        app, environment = await self.allowed(request, "deploy", *(["freeze"] if words else []))
        return await self._start(request, app, ["deploy", environment, _release(form), *words, "--app", app])

    async def ask_rollback(self, request: Request) -> Response:
        """The decision, spelled out before the click."""
        app, environment = await self.allowed(request, "rollback")
        words = ["rollback", environment, "--dry-run", "--app", app]
        done = await self._command(request, self.commands.answer, words)
        return self._page(
            request, "rollback.html", 200, app=app, environment=environment, output=done.output, code=done.code
        )

    async def rollback(self, request: Request) -> Response:
        """Roll back to the last good release."""
        app, environment = await self.allowed(request, "rollback")
        form = await form_of(request)
        words = ["rollback", environment, f"--reason={_note(form)}", "--app", app]
        return await self._start(request, app, words)

    async def resume(self, request: Request) -> Response:
        """End the hold after a rollback."""
        app, environment = await self.allowed(request, "rollback")
        form = await form_of(request)
        words = ["resume", environment, f"--reason={_note(form)}", "--app", app]
        done = await self._command(request, self.commands.answer, words)
        return self._told(request, app, "Automatic deployment goes on", done)

    async def drop(self, request: Request) -> Response:
        """Drop the deployment that waits."""
        app, environment = await self.allowed(request, "deploy")
        await form_of(request)
        done = await self._command(request, self.commands.answer, ["cancel", environment, "--waiting", "--app", app])
        return self._told(request, app, "Cancelled", done)

    async def check(self, request: Request) -> Response:
        """Check a pull request from another repository, at the commit that the member has read."""
        app, who = str(request.path_params["app"]), identity_of(request)
        kept = await run_in_threadpool(self._site.ctx.names.app, app)
        if not sees(who, kept):
            raise unknown_app(app)
        require(who, "run", kept)
        form = await form_of(request)
        number, commit = form.get("pull", ""), form.get("commit", "").strip()
        if not NUMBER.fullmatch(number) or not COMMIT.fullmatch(commit):
            raise UsageError(
                "the form needs the number of a pull request and the whole name of a commit, as the forge shows it"
            )
        return await self._start(request, app, ["run", commit, "--pull-request", number, "--app", app], "/runs")

    async def _start(self, request: Request, app: str, words: Sequence[str], then: str = "") -> Response:
        done = await self._command(request, self.commands.start, words)
        if done is not None and done.code:
            return self._told(request, app, "", done)
        return RedirectResponse(f"/apps/{app}{then}", 303)

    async def _command(self, request: Request, work: Work[T], words: Sequence[str]) -> T:
        return await self.command(identity_of(request), work, words)

    async def command(self, who: Identity, work: Work[T], words: Sequence[str]) -> T:
        """The answer of a command in their name: work is one of `commands`. Busy if too many of the person's commands have
        not answered yet: others wait for these."""
        person = who.person
        if self._waiting[person] >= OF_ONE:
            raise Busy(f"{OF_ONE} commands of yours have not answered yet", hint="wait for them, and try again")
        self._waiting[person] += 1
        try:
            return await self._threads.run(lambda: work(person, words, self._delegate.to(who)))
        finally:
            self._waiting[person] -= 1

    def following(self, who: Identity, words: Sequence[str]) -> AbstractAsyncContextManager[Read]:
        """A command in their name whose output is read as it comes, until the end of the block."""
        return self.commands.follow(who.person, words, self._delegate.to(who))

    def _told(self, request: Request, app: str, title: str, done: Completed) -> Response:
        title = title if done.code == 0 else "That was refused"
        return self._page(
            request, "output.html", 200 if done.code == 0 else 409, app=app, title=title, output=done.output
        )

    async def allowed(self, request: Request, *permissions: str) -> tuple[str, str]:
        """The present names. NotAllowed without the permissions there; UsageError if there is no such environment."""
        app, name = str(request.path_params["app"]), str(request.path_params["environment"])
        board = self._site.observer.board(app)
        found = next((item for item in board.environments if item.environment.name == name), None)
        ctx = self._site.ctx
        kept = await run_in_threadpool(ctx.names.app, app)
        kept_name = await run_in_threadpool(ctx.names.environment, kept, name)
        for permission in permissions:
            require(identity_of(request), board.permission(permission, name), kept, kept_name)
        if found is None:
            raise UsageError(f"{app} has no environment {name!r}")
        return app, name


def _note(form: dict[str, str]) -> str:
    return plain(form.get("note", ""))[:LONGEST]


def _release(form: dict[str, str]) -> str:
    number = form.get("release", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise UsageError("the form names no release")
    return f"r{number}"
