"""Sign-in by a provider of OpenID Connect, on the page."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from shipway.actions.people.sign_in import Session, sign_in_by_provider
from shipway.domain.errors import NotSignedIn
from shipway.server.signing import Signing, address_of, local
from shipway.server.site import Site
from shipway.server.threads import Threads
from shipway.system.openid import Begun, Provider

COOKIE = "shipway-sign-in"
LASTS = 600  # seconds between leaving and coming back
AT_ONCE = 4  # requests to the provider
ASK, BACK = "/sign-in/provider", "/sign-in/provider/back"
LONGEST = 4000  # characters of what comes back


def routes(site: Site, signing: Signing, page: Callable[..., Response]) -> list[BaseRoute]:
    """Without a provider, none."""
    if site.provider is None:
        return []
    made = _Signing(site, site.provider, signing, page)
    return [Route(ASK, made.leave), Route(BACK, made.back)]


class _Signing:
    def __init__(self, site: Site, provider: Provider, signing: Signing, page: Callable[..., Response]) -> None:
        self._site, self._provider, self._signing, self._page = site, provider, signing, page
        self._threads = Threads(AT_ONCE)
        # A browser takes a cookie of this name only from this host itself, by TLS.
        self._cookie = f"__Host-{COOKIE}" if site.secure else COOKIE

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider."""
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        try:
            where = await self._threads.run(self._provider.address, begun)
        except NotSignedIn as error:
            return self._refused(request, error)
        answer = RedirectResponse(where, 303)
        kept = {
            "begun": [begun.state, begun.nonce, begun.verifier],
            "next": local(request.query_params.get("next", "")),
        }
        value = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()
        answer.set_cookie(
            self._cookie, value, LASTS, httponly=True, samesite="lax", secure=self._site.secure
        )  # fmt: skip
        return answer

    async def back(self, request: Request) -> Response:
        """A session for who the provider says it is."""
        begun, where = _kept(request.cookies.get(self._cookie, ""))
        given = {name: value[:LONGEST] for name, value in request.query_params.items()}
        address = address_of(request)

        def signed_in() -> Session:
            if begun is None:
                raise NotSignedIn("this browser began no sign-in", hint="begin at the page to sign in")
            return sign_in_by_provider(self._site.ctx, self._provider.prove(begun, given), self._provider.name, address)

        try:
            answer = self._signing.signed_in(await self._threads.run(signed_in), where)
        except NotSignedIn as error:
            answer = self._refused(request, error)
        answer.delete_cookie(self._cookie, secure=self._site.secure, httponly=True, samesite="lax")
        return answer

    def _refused(self, request: Request, error: NotSignedIn) -> Response:
        return self._page(
            request, "message.html", 403, title="You are not signed in", text=error.message, hint=error.hint
        )


def _kept(value: str) -> tuple[Begun | None, str]:
    """What the browser kept; None if that is not what it was given."""
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(value))
        state, nonce, verifier = map(str, found["begun"])
        where = local(str(found["next"]))
    except (ValueError, KeyError, TypeError):
        return None, ""
    complete = min(len(state), len(nonce), len(verifier)) >= 40
    return (Begun(state, nonce, verifier) if complete else None), where
