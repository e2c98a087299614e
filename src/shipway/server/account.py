"""The pages on which people change what they sign in with: the codes of an app, and their password."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipway.actions.people.password import set_password
from shipway.actions.people.permitted import require_person
from shipway.actions.people.second_factor import confirm_totp, enrol_totp
from shipway.domain.errors import NotSignedIn, ShipwayError, UsageError
from shipway.domain.people import LINKED
from shipway.domain.totp import enrolment, is_secret
from shipway.server.access import form_of, identity_of
from shipway.server.pages import Page
from shipway.server.site import Site
from shipway.server.threads import Threads
from shipway.system.passwords import AT_ONCE

CODES, PASSWORD = "/account/codes", "/account/password"


class Account:
    """The routes. The page of codes names a new secret each time; none is kept before a code of it has come back."""

    def __init__(self, site: Site, page: Page) -> None:
        self._ctx, self._passwords, self._page, self._hashing = site.ctx, site.passwords, page, Threads(AT_ONCE)

    def routes(self) -> list[Route]:
        """Of all these pages."""
        return [
            Route(CODES, self.ask), Route(CODES, self.confirm, methods=["POST"]),
            Route(PASSWORD, self.ask_password), Route(PASSWORD, self.change_password, methods=["POST"]),
        ]  # fmt: skip

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
            return _later(await run_in_threadpool(self._form, request, secret, _problem(error)), error)
        return self._page(request, "recovery-codes.html", codes=codes)

    async def ask_password(self, request: Request) -> Response:
        """A form for another password."""
        require_person(identity_of(request), "people", identity_of(request).person)
        return self._password(request)

    async def change_password(self, request: Request) -> Response:
        """The other sessions of the person end, this one stays."""
        form, by = await form_of(request), identity_of(request)
        password, current = form.get("password", ""), form.get("current", "")
        try:
            if password != form.get("again", ""):
                raise UsageError("the two new passwords differ")
            await self._hashing.run(set_password, self._ctx, self._passwords, by, by.person, password, current)
        except (NotSignedIn, UsageError) as error:
            return _later(self._password(request, _problem(error)), error)
        return self._page(
            request, "message.html", title="The password is changed", text="Your other sessions have ended.", hint=""
        )

    def _password(self, request: Request, problem: str = "") -> Response:
        current = identity_of(request).how != LINKED
        return self._page(request, "password.html", 403 if problem else 200, problem=problem, current=current)

    def _form(self, request: Request, secret: str = "", problem: str = "") -> Response:
        by = identity_of(request)
        if not is_secret(secret):  # it comes back from a page
            secret = enrol_totp(self._ctx, by).secret
        present = bool(self._ctx.ledger.totp_version(by.person))
        return self._page(
            request, "codes.html", 403 if problem else 200, secret=secret, address=enrolment(secret, by.person), problem=problem,
            groups=[secret[at : at + 4] for at in range(0, len(secret), 4)], present=present, current=present and by.how != LINKED,
        )  # fmt: skip


def _problem(error: ShipwayError) -> str:
    return f"{error.message}. {error.hint}".rstrip()


def _later(answer: Response, error: ShipwayError) -> Response:
    """With the seconds to wait after wrong attempts."""
    if isinstance(error, NotSignedIn) and error.retry_after:
        answer.headers["Retry-After"] = f"{error.retry_after:.0f}"
    return answer
