"""What people do on the pages: approve, deploy, roll back. Each is a command that runs as on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipway.actions.people.permitted import require
from shipway.domain.errors import UsageError
from shipway.domain.permissions import in_environment
from shipway.domain.plan import Environment
from shipway.server.access import form_of, identity_of
from shipway.server.commands import Commands
from shipway.server.site import Site
from shipway.system.process import Completed

LONGEST = 2000  # characters of a note
Page = Callable[..., Response]


class Orders:
    """The routes of what changes something. Each needs its permission, and a form of this session."""

    def __init__(self, site: Site, page: Page) -> None:
        self._site, self._page = site, page
        self._commands = Commands(site.ctx.home, site.ctx.redactor)

    async def approve(self, request: Request) -> Response:
        """Approve a release, with a note."""
        app, environment = await self._allowed(request, "approve")
        form = await form_of(request)
        words = ["approve", environment, _release(form), f"--reason={form.get('note', '')[:LONGEST]}", "--app", app]
        done = await run_in_threadpool(self._commands.answer, identity_of(request).person, words)
        return self._told(request, app, "Approved", done)

    async def deploy(self, request: Request) -> Response:
        """Deploy a release."""
        app, environment = await self._allowed(request, "deploy")
        form = await form_of(request)
        return await self._start(request, app, ["deploy", environment, _release(form), "--app", app])

    async def ask_rollback(self, request: Request) -> Response:
        """The decision, spelled out before the click."""
        app, environment = await self._allowed(request, "rollback")
        words = ["rollback", environment, "--dry-run", "--app", app]
        done = await run_in_threadpool(self._commands.answer, identity_of(request).person, words)
        return self._page(
            request, "rollback.html", 200, app=app, environment=environment, output=done.output, code=done.code
        )

    async def rollback(self, request: Request) -> Response:
        """Roll back to the last good release."""
        app, environment = await self._allowed(request, "rollback")
        form = await form_of(request)
        words = ["rollback", environment, f"--reason={form.get('note', '')[:LONGEST]}", "--app", app]
        return await self._start(request, app, words)

    async def _start(self, request: Request, app: str, words: Sequence[str]) -> Response:
        done = await run_in_threadpool(self._commands.start, identity_of(request).person, words)
        if done is not None and done.code:
            return self._told(request, app, "", done)
        return RedirectResponse(f"/apps/{app}", 303)

    def _told(self, request: Request, app: str, title: str, done: Completed) -> Response:
        title = title if done.code == 0 else "That was refused"
        return self._page(
            request, "output.html", 200 if done.code == 0 else 409, app=app, title=title, output=done.output
        )

    async def _allowed(self, request: Request, permission: str) -> tuple[str, str]:
        """The present names. NotAllowed without the permission there; UsageError if there is no such environment."""
        app, name = str(request.path_params["app"]), str(request.path_params["environment"])
        board = self._site.observer.board(app)
        found = next((item for item in board.environments if item.environment.name == name), None)
        ctx = self._site.ctx
        kept = await run_in_threadpool(ctx.names.app, app)
        kept_name = await run_in_threadpool(ctx.names.environment, kept, name)
        known: Environment = found.environment if found else Environment(name, "", after="unknown")
        require(identity_of(request), in_environment(permission, known), kept, kept_name)
        if found is None:
            raise UsageError(f"{app} has no environment {name!r}")
        return app, name


def _release(form: dict[str, str]) -> str:
    number = form.get("release", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise UsageError("the form names no release")
    return f"r{number}"
