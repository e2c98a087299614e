"""The pages of releases: what one changes, how its rollback was proven, and what is against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shipway.actions.people.permitted import require
from shipway.actions.proofs.recorded import recorded_proofs
from shipway.domain import gate, history
from shipway.domain.comparison import Comparison, Side, compare
from shipway.domain.errors import UsageError
from shipway.domain.proof import Proof
from shipway.domain.release import Approval, Deployment, Release
from shipway.domain.value import dataclass
from shipway.domain.waiting import REJECTED
from shipway.proving.report.follows import what_follows
from shipway.proving.report.messages import BAD, GOOD, verdicts
from shipway.proving.report.timeline import all_stages, length
from shipway.server import pages
from shipway.server.access import identity_of
from shipway.server.observer import Board, Gate
from shipway.server.origins import origin
from shipway.server.pages import LANE, Page, Pill
from shipway.server.records import Place, Records
from shipway.server.site import Site
from shipway.system.durations import ago, human, timestamp

LATEST = 50
KINDS = {GOOD: "ok", BAD: "bad"}
# The report carries its own style, allowed by its digest, and needs nothing else.
OWN_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
}


@dataclass(frozen=True)
class Check:
    """One line of the gate."""

    met: bool
    text: str
    detail: str = ""


class Releases:
    """The routes."""

    def __init__(self, site: Site, page: Page, records: Records) -> None:
        self._ctx, self._observer, self._page, self._records = site.ctx, site.observer, page, records

    def routes(self) -> list[Route]:
        """Of all these pages."""
        return [
            Route("/apps/{app}/releases", self.all),
            Route("/apps/{app}/releases/{number:number}", self.one),
            Route("/apps/{app}/releases/{number:number}/proofs/{environment}", self.proof),
        ]

    async def all(self, request: Request) -> Response:
        """The newest ones, and where they run."""
        return await run_in_threadpool(self._all, request)

    async def one(self, request: Request) -> Response:
        """A release, on its way to an environment: the one of `to`, else where it would go next."""
        return await run_in_threadpool(self._one, request)

    async def proof(self, request: Request) -> Response:
        """The whole report of its newest proof in an environment."""
        return await run_in_threadpool(self._proof, request)

    def _all(self, request: Request) -> Response:
        app, places = self._records.places(request, "see")
        ledger = self._ctx.ledger
        current = {place.name: ledger.current(app, place.kept) for place in places}
        found = [
            {
                "item": item, "when": ago(self._ctx.clock() - item.created), "versions": ledger.versions(app, item.number),
                "runs": [name for name, now in current.items() if now and now.release == item.number],
            }
            for item in ledger.releases(app, LATEST)
        ]  # fmt: skip
        return self._page(request, "releases.html", app=request.path_params["app"], releases=found)

    def _found(self, request: Request, permission: str) -> tuple[Release, list[Place]]:
        """UsageError if there is none."""
        app, places = self._records.places(request, permission)
        return pages.release(self._ctx, app, request.path_params["number"]), places

    def _one(self, request: Request) -> Response:
        release, places = self._found(request, "see")
        shown, ledger, now = str(request.path_params["app"]), self._ctx.ledger, self._ctx.clock()
        board, who = self._observer.board(shown), identity_of(request)
        current = {place.name: ledger.current(release.app, place.kept) for place in places}
        runs = [name for name, item in current.items() if item and item.release == release.number]
        place = _chosen(request.query_params.get("to", ""), places, board, release, runs)
        data: dict[str, Any] = {}
        if place is not None:
            data = self._way(release, place, board, now)
            data["may"] = {
                name: who.may(board.permission(name, place.name), release.app, place.kept)
                for name in ("approve", "deploy", "rollback", "logs")
            }
        return self._page(
            request, "release.html", app=shown, release=release, to=place, places=places, runs=runs,
            versions=ledger.versions(release.app, release.number), when=ago(now - release.created), **{**EMPTY, **data},
        )  # fmt: skip

    def _way(self, release: Release, place: Place, board: Board, now: float) -> dict[str, Any]:
        """What deploying it there means."""
        ledger, app = self._ctx.ledger, release.app
        made = ledger.history(app, place.kept)
        number = history.previous_release(made, release.number)
        before = ledger.release(app, number) if number is not None else None
        found = (board.gates or {}).get(place.name)
        leads = found if found and found.release == release.number else None
        live = history.current(made)
        approvals = ledger.approvals(app, place.kept, release.number)
        proofs = recorded_proofs(self._ctx, release, place.kept)
        target = history.rollback_target(made)
        return {
            "origin": origin(self._ctx, release, before),
            "waits": any(
                item.environment.name == place.name and item.waiting is not None and item.waiting.release == release.number
                for item in board.environments
            ),
            "before": before, "before_versions": ledger.versions(app, number) if number else [],
            "live": live is not None and live.release == release.number,
            "changes": _changes(before, release, place.kept), "gate": leads,
            "checks": [*self._met(release, place, board, approvals, proofs, now), *_unmet(leads)],
            "proof": _proven(proofs[0], now) if proofs else None,
            "target": target.release if target else None,
        }  # fmt: skip

    def _met(
        self, release: Release, place: Place, board: Board, approvals: Sequence[Approval], proofs: Sequence[Proof],
        now: float,
    ) -> list[Check]:  # fmt: skip
        """What speaks for it."""
        ledger, found = self._ctx.ledger, []
        own = next(iter((board.plans or {}).get(place.name, ())), release.plan.environments.get(place.kept))
        if own is not None and own.after:
            made = ledger.deployments_of(release.app, own.after, release.number)
            if gate.validated(release, made, own.after):
                when = max(item.finished or item.started for item in made)
                shown = self._ctx.names.shown(release.app, own.after)
                found.append(Check(True, f"Validated on {shown}", f"these images, {ago(now - when)}"))
        if told := _rejected(ledger.deployments_of(release.app, place.kept, release.number), approvals):
            found.append(Check(False, told[0], told[1]))
        if proofs and proofs[0].leads_back:
            found.append(Check(True, "Rollback proven", what_follows(proofs[0]).title))
        for item in approvals:
            if item.digest == release.digest:
                how = "signed" if item.signature else "not signed"
                note = f": {item.reason}" if item.reason else ""
                found.append(Check(True, f"Approved by {item.actor}", f"{timestamp(item.at)}, {how}{note}"))
        return found

    def _proof(self, request: Request) -> Response:
        from shipway.proving.report.page import page

        release, places = self._found(request, "see")
        name = str(request.path_params["environment"])
        place = next((item for item in places if item.name == name), None)
        if place is None:
            raise UsageError(f"{request.path_params['app']} has no environment {name!r}, or you may not see it")
        board = self._observer.board(str(request.path_params["app"]))
        require(
            identity_of(request), board.permission("logs", name), release.app, place.kept
        )  # it has output of programs
        proofs = recorded_proofs(self._ctx, release, place.kept)
        if not proofs:
            raise UsageError(f"release {release.number} has no proof in {name}")
        return HTMLResponse(page(proofs[0]), headers=OWN_POLICY)


EMPTY: dict[str, Any] = {
    "origin": None, "waits": False,
    "before": None, "before_versions": [], "live": False, "changes": None, "gate": None, "checks": [], "proof": None,
    "target": None, "may": {},
}  # fmt: skip


def _chosen(asked: str, places: Sequence[Place], board: Board, release: Release, runs: Sequence[str]) -> Place | None:
    """The environment that the page is about."""
    gates = [name for name, item in (board.gates or {}).items() if item.release == release.number]
    wanted = [asked] if asked else [*gates, *reversed(runs)]
    found = {place.name: place for place in places}
    if asked and asked not in found:
        raise UsageError(f"{board.app} has no environment {asked!r}, or you may not see it")
    return next((found[name] for name in wanted if name in found), None)


def _changes(before: Release | None, release: Release, environment: str) -> Comparison | None:
    if before is None:
        return None
    old, new = (item.plan.environments.get(environment) for item in (before, release))
    first = Side(f"r{before.number}", before, old, before.schema)
    return compare(first, Side(f"r{release.number}", release, new, release.schema))


def _rejected(made: Sequence[Deployment], approvals: Sequence[Approval]) -> tuple[str, str] | None:
    """Who rejected it last, and when and why; None: no one has, or it was approved or deployed since."""
    last = max(made, key=lambda item: item.id, default=None)
    if last is None or not last.detail.startswith(REJECTED) or any(item.at > last.started for item in approvals):
        return None
    who, _, why = last.detail.partition(": ")
    return f"R{who[1:]}", f"{timestamp(last.started)}: {why}"


def _unmet(found: Gate | None) -> list[Check]:
    return [Check(False, text) for text in (found.missing if found else ())]


def _proven(proof: Proof, now: float) -> dict[str, Any]:
    """A proof in short, with its time line."""
    follows, total = what_follows(proof), length(proof) or 1.0
    rows = [
        {
            "part": item.part, "pill": Pill(KINDS.get(item.grade, "warn"), item.word), "meaning": item.meaning,
            "reasons": item.reasons[:3],
        }
        for item in verdicts(proof)
    ]  # fmt: skip
    stages = [
        {
            "name": item.name, "took": human(item.seconds), "bad": item.outcome != "succeeded",
            "x": round(item.start / total * LANE), "width": max(3, round(item.seconds / total * LANE)),
            "locks": ", ".join(dict.fromkeys(lock.relation for lock in item.locks)),
        }
        for item in all_stages(proof)
    ]  # fmt: skip
    return {
        "when": ago(now - proof.at), "took": human(proof.seconds), "title": follows.title, "sentence": follows.sentence,
        "rows": rows, "stages": stages, "width": LANE, "back": proof.leads_back,
    }  # fmt: skip
