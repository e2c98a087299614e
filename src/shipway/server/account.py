"""The page on which people set up the codes that they sign in with."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipway.actions.people.second_factor import confirm_totp, enrol_totp
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.people import LINKED
from shipway.domain.totp import enrolment, is_secret
from shipway.server.access import form_of, identity_of
from shipway.server.pages import Page
from shipway.server.site import Site

CODES = "/account/codes"


class Account:
    """The routes. A page names a new secret each time; none is kept before a code of it has come back."""

    def __init__(self, site: Site, page: Page) -> None:
        self._ctx, self._page = site.ctx, page

    def routes(self) -> list[Route]:
        """Of all these pages."""
        return [Route(CODES, self.ask), Route(CODES, self.confirm, methods=["POST"])]

    async def ask(self, request: Request) -> Response:
        """The secret for an app, and a form for its code."""
        return await run_in_threadpool(self._form, request)

    async def confirm(self, request: Request) -> Response:
        """The recovery codes, which are shown once; the form again, with the same secret, if the code is wrong."""
        form, by = await form_of(request), identity_of(request)
        secret = form.get("key", "")
        try:
            codes = await run_in_threadpool(
                confirm_totp, self._ctx, by, secret, form.get("code", ""), form.get("current", "")
            )
        except (NotSignedIn, UsageError) as error:
            problem = f"{error.message}. {error.hint}".rstrip()
            answer = await run_in_threadpool(self._form, request, secret, problem)
            if isinstance(error, NotSignedIn) and error.retry_after:
                answer.headers["Retry-After"] = f"{error.retry_after:.0f}"
            return answer
        return self._page(request, "recovery-codes.html", codes=codes)

    def _form(self, request: Request, secret: str = "", problem: str = "") -> Response:
        by = identity_of(request)
        if not is_secret(secret):  # it comes back from a page
            secret = enrol_totp(self._ctx, by).secret
        present = bool(self._ctx.ledger.totp_version(by.person))
        return self._page(
            request, "codes.html", 403 if problem else 200, secret=secret, address=enrolment(secret, by.person), problem=problem,
            groups=[secret[at : at + 4] for at in range(0, len(secret), 4)], present=present, current=present and by.how != LINKED,
        )  # fmt: skip
