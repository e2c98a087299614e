"""Where a release's images come from, and what their packages are in place of another release's."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipway.actions.provenance.packages import package_changes, packages_in
from shipway.actions.provenance.verify import recorded
from shipway.context import Context
from shipway.domain.provenance import SIGNATURE
from shipway.domain.release import Release
from shipway.server import pages
from shipway.server.pages import Page, Pill
from shipway.server.records import Records
from shipway.server.site import Site

CHOICES = 20  # older releases to compare with


class Origins:
    """The route."""

    def __init__(self, site: Site, page: Page, records: Records) -> None:
        self._ctx, self._page, self._records = site.ctx, page, records

    def routes(self) -> list[Route]:
        """Of this page."""
        return [Route("/apps/{app}/releases/{number:number}/packages", self.packages)]

    async def packages(self, request: Request) -> Response:
        """Of a release, in place of those of the release `against`, or of the one before it."""
        return await run_in_threadpool(self._packages, request)

    def _packages(self, request: Request) -> Response:
        app, _ = self._records.places(request, "see")
        shown, number = str(request.path_params["app"]), int(request.path_params["number"])
        release = pages.release(self._ctx, app, number)
        older = [item.number for item in self._ctx.ledger.releases(app, CHOICES) if item.number < number]
        asked = request.query_params.get("against", "")
        chosen = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else next(iter(older), 0)
        before = self._ctx.ledger.release(app, chosen) if chosen != number else None
        return self._page(
            request, "packages.html", app=shown, release=release, older=older, origin=origin(self._ctx, release, before)
        )


def origin(ctx: Context, release: Release, before: Release | None) -> dict[str, Any]:
    """For `origin.html`. before: the release with which packages are compared."""
    images = packages_in(ctx, release)
    references = [item.image for item in images]
    builds = ctx.ledger.image_builds(release.app, references)
    signatures, keys = (
        ctx.ledger.image_signatures(release.app, references),
        ctx.ledger.signing_keys(release.app),
    )
    valid = {key.id for key in keys if key.valid}
    rows = []
    for item in images:
        by = [one.key for one in signatures if one.image == item.image and one.kind == SIGNATURE]
        counts = [key for key in by if key in valid]
        problem = recorded(item.image, signatures, keys) if by else []
        rows.append({
            "item": item, "build": builds.get(item.image), "key": (counts or by or [""])[-1],
            "signed": _pill(bool(by), bool(problem)),
        })  # fmt: skip
    return {"images": rows, "before": before, "changes": package_changes(ctx, before, release) if before else []}


def _pill(signed: bool, problem: bool) -> Pill:
    if not signed:
        return Pill("dim", "not signed")
    return Pill("bad", "✗ the key was revoked") if problem else Pill("ok", "✓ signed")
