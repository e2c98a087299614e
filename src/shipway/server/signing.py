"""Sign in and out."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipway.actions.people import sign_in as actions
from shipway.domain.errors import NotSignedIn
from shipway.server.access import COOKIE, fields_of, form_of, identity_of
from shipway.server.site import Site
from shipway.server.threads import Threads
from shipway.system.passwords import AT_ONCE

Page = Callable[..., Response]


class Signing:
    """The routes of the sign-in, which are open to everybody."""

    def __init__(self, site: Site, page: Page) -> None:
        self._site, self._page, self._hashing = site, page, Threads(AT_ONCE)
        self._provider = site.provider.name if site.provider else ""

    async def ask(self, request: Request) -> Response:
        """The form; of a link that counts once, a button: a program that only looks at it must not use it up."""
        if link := request.query_params.get("link", ""):
            return self._page(request, "sign-in-link.html", link=link)
        known = await run_in_threadpool(lambda: any(item.active for item in self._site.ctx.ledger.people()))
        return self._page(
            request,
            "sign-in.html",
            next=local(request.query_params.get("next", "")),
            problem="",
            known=known,
            provider=self._provider,
        )

    async def sign_in(self, request: Request) -> Response:
        """By name and password."""
        form = await fields_of(request)
        where = local(form.get("next", ""))
        try:
            made = await self._hashing.run(
                actions.sign_in, self._site.ctx, self._site.passwords, form.get("name", ""), form.get("password", ""),
                form.get("code", ""), address_of(request),
            )  # fmt: skip
        except NotSignedIn as error:
            answer = self._page(
                request,
                "sign-in.html",
                403,
                next=where,
                problem=f"{error.message}. {error.hint}".rstrip(),
                known=True,
                provider=self._provider,
            )
            if error.retry_after:
                answer.headers["Retry-After"] = f"{error.retry_after:.0f}"
            return answer
        return self.signed_in(made, where)

    async def by_link(self, request: Request) -> Response:
        """By a link that counts once."""
        form = await fields_of(request)
        try:
            made = await run_in_threadpool(
                actions.sign_in_by_link, self._site.ctx, form.get("link", ""), address_of(request)
            )
        except NotSignedIn as error:
            return self._page(
                request, "message.html", 403, title="You are not signed in", text=error.message, hint=error.hint
            )
        return self.signed_in(made, "/")

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await form_of(request)
        await run_in_threadpool(actions.sign_out, self._site.ctx, identity_of(request))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer

    def signed_in(self, made: actions.Session, where: str) -> Response:
        """Give the browser the session, and send it where it wanted to go."""
        answer = RedirectResponse(where or "/", 303)
        answer.set_cookie(COOKIE, made.secret, httponly=True, samesite="lax", secure=self._site.secure)
        return answer


def local(path: str) -> str:
    """A path of this site, and no other address; empty otherwise."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if fine else ""


def address_of(request: Request) -> str:
    """Of who asks."""
    return request.client.host if request.client else ""
