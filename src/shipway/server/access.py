"""Who asks: every page but the sign-in needs a session or a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from shipway.actions.people.identify import csrf, csrf_matches, identify
from shipway.context import Context
from shipway.domain.errors import NotAllowed, NotSignedIn
from shipway.domain.people import SESSION, Identity
from shipway.domain.permissions import ALL

COOKIE = "shipway"
OPEN = ("/sign-in", "/healthz", "/static/", "/git/", "/hooks/")  # the last two ask for a proof of their own
LARGEST = 1 << 16  # bytes of a form


class Door:
    """Lets through who has signed in; a browser of anybody else is sent to the sign-in, a program gets 401."""

    def __init__(self, app: Any, ctx: Context) -> None:
        self._app, self._ctx = app, ctx

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or any(
            scope["path"] == path or scope["path"].startswith(f"{path.rstrip('/')}/") for path in OPEN
        ):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope.setdefault("state", {})["identity"] = await run_in_threadpool(identify, self._ctx, secret_of(request))
        except NotSignedIn as error:
            if "text/html" in request.headers.get("accept", ""):
                where = quote(request.url.path, safe="/")
                answer: Any = RedirectResponse(f"/sign-in?next={where}", 303)
            else:
                answer = JSONResponse({"error": error.message, "hint": error.hint}, 401, {"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def secret_of(request: Request) -> str:
    """What proves the identity: a token in the header, else the session's cookie."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")


def identity_of(request: Request) -> Identity:
    """Who asks."""
    found: Identity = request.state.identity
    return found


def sees(identity: Identity, app: str) -> bool:
    """Whether something of this app may be seen: what belongs to no environment, such as a run."""
    grants = [grant for grant in identity.grants if grant.app in (ALL, app)]
    return any(identity.may("see", app, grant.environment) for grant in grants)


def form_token(request: Request) -> str:
    """What a form on a page for this session must send back; empty for a token, which no browser sends by itself."""
    return csrf(secret_of(request)) if identity_of(request).via == SESSION else ""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form. NotAllowed if it was not made for this session."""
    found = await fields_of(request)
    if identity_of(request).via == SESSION and not csrf_matches(secret_of(request), found.get("csrf", "")):
        raise NotAllowed("the form is not of this session", hint="load the page again, and repeat it")
    return found


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of any form, each once. NotAllowed if it is too large."""
    size, parts = 0, list[bytes]()
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise NotAllowed(f"the form has more than {LARGEST} bytes")
        parts.append(part)
    from urllib.parse import parse_qsl

    text = b"".join(parts).decode("utf-8", "replace")
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
