"""Who asks: every page but the sign-in needs a session or a token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from shipway.actions.people.identify import csrf, csrf_matches, identify
from shipway.actions.people.permitted import require
from shipway.context import Context
from shipway.domain.errors import NotAllowed, NotSignedIn, ShipwayError
from shipway.domain.people import SESSION, Identity
from shipway.domain.permissions import ALL
from shipway.server.pages import unknown_app

COOKIE = "shipway"
PROGRAMS = ("/git/", "/hooks/", "/api/v1/")  # they ask for a proof of their own
OPEN = (
    "/sign-in",
    "/healthz",
    "/static/",
    "/api",
    "/metrics",
    *PROGRAMS,
)  # /api only describes; /metrics asks for a token itself
PATIENCE = 10.0  # seconds for a whole form
LARGEST, MOST = 1 << 16, 100  # bytes and fields of a form


class Door:
    """Lets through who has signed in; a browser of anybody else is sent to the sign-in, a program gets 401."""

    def __init__(self, app: Any, ctx: Context, failed: Callable[[Request, ShipwayError], Awaitable[Any]]) -> None:
        self._app, self._ctx, self._failed = app, ctx, failed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and _of_another_site(Request(scope)):
            error = NotAllowed("the form is on the page of another site", hint="open this site's own page")
            await (await self._failed(Request(scope), error))(scope, receive, send)
            return
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
        except ShipwayError as error:  # the ledger is away
            await (await self._failed(request, error))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _of_another_site(request: Request) -> bool:
    """Whether a browser says so of a request that may change something. Also the sign-in: no one is to be signed in as
    somebody else."""
    asks_only = request.method in ("GET", "HEAD") or request.scope["path"].startswith(PROGRAMS)
    return not asks_only and request.headers.get("sec-fetch-site", "") in ("cross-site", "same-site")


def secret_of(request: Request) -> str:
    """What proves the identity: a token in the header, else the session's cookie."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")


def identify_again(ctx: Context, request: Request) -> None:
    """See who asks once more: they may have signed out, or lost a role. NotSignedIn."""
    request.state.identity = identify(ctx, secret_of(request), used=False)


def app_with_logs(ctx: Context, request: Request) -> str:
    """The first name of the app that is asked for. NotAllowed for who may read no log of it; UsageError for who may see nothing
    of it."""
    shown, who = str(request.path_params["app"]), identity_of(request)
    app = ctx.names.app(shown)
    if not sees(who, app):
        raise unknown_app(shown)
    if not sees(who, app, "logs"):
        require(who, "logs", app)
    return app


def identity_of(request: Request) -> Identity:
    """Who asks."""
    found: Identity = request.state.identity
    return found


def sees(identity: Identity, app: str, permission: str = "see") -> bool:
    """Whether something of this app may be seen: what belongs to no environment, such as a run."""
    places = {grant.environment for grant in identity.grants if grant.app in (ALL, app)}
    if identity.token is not None:
        places.add(identity.token.environment)
    return any(identity.may(permission, app, place) for place in places)


def links(identity: Identity) -> dict[str, bool]:
    """The pages that not everybody has. Those of an app ask again."""
    secrets = any(identity.may("secrets", grant.app, grant.environment) for grant in identity.grants)
    return {"audit": identity.may("audit"), "secrets": secrets}


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
    try:
        text = await asyncio.wait_for(_text(request), PATIENCE)
    except TimeoutError:
        raise NotAllowed(f"the form did not come within {PATIENCE:g} seconds") from None
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST))
    except ValueError:
        raise NotAllowed(f"the form has more than {MOST} fields") from None


async def _text(request: Request) -> str:
    size, parts = 0, list[bytes]()
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise NotAllowed(f"the form has more than {LARGEST} bytes")
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")
