"""The pages of what the ledger keeps beside runs and deployments: database, jobs, secrets, and the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shipway.actions.audit import view
from shipway.actions.people.permitted import require
from shipway.actions.schedules.live import live
from shipway.actions.schedules.overview import Overview, overview
from shipway.context import Context
from shipway.domain import names
from shipway.domain.audit import AuditFilter, Entry
from shipway.domain.permissions import ALL
from shipway.domain.record import to_data
from shipway.domain.rehearsal import REHEARSAL, newest
from shipway.domain.release import SUCCEEDED
from shipway.domain.scheduled_run import ScheduledRun
from shipway.domain.value import dataclass
from shipway.server import pages
from shipway.server.access import identity_of, sees
from shipway.server.pages import Page, Pill, outcome
from shipway.server.site import Site
from shipway.system.durations import ago, human, past, timestamp

ON_A_PAGE = 50  # entries of the audit
RELEASES, CHANGES = 10, 10  # of an environment: those whose rehearsals are shown, and changes of the schema
RUNS = 5  # of a job
DAY = 86400.0


@dataclass(frozen=True)
class Place:
    """An environment that somebody may see. name: its present one; kept: its first one."""

    name: str
    kept: str


class Records:
    """The routes."""

    def __init__(self, site: Site, page: Page) -> None:
        self._ctx, self._observer, self._page = site.ctx, site.observer, page

    def routes(self) -> list[Route]:
        """Of all these pages."""
        return [
            Route("/apps/{app}/database", self.database),
            Route("/apps/{app}/jobs", self.jobs),
            Route("/apps/{app}/secrets", self.secrets),
            Route("/audit", self.audit),
            Route("/audit.csv", self.audit_csv),
            Route("/audit.json", self.audit_json),
        ]

    async def database(self, request: Request) -> Response:
        """Revisions, snapshots, rehearsals, waivers."""
        return await run_in_threadpool(self._database, request)

    async def jobs(self, request: Request) -> Response:
        """Jobs on a schedule."""
        return await run_in_threadpool(self._jobs, request)

    async def secrets(self, request: Request) -> Response:
        """Names and versions of secrets, with who set them; never values."""
        return await run_in_threadpool(self._secrets, request)

    async def audit(self, request: Request) -> Response:
        """Who did what."""
        return await run_in_threadpool(self._audit, request)

    async def audit_csv(self, request: Request) -> Response:
        """All entries that match."""
        return await run_in_threadpool(self._exported, request, "text/csv", "csv")

    async def audit_json(self, request: Request) -> Response:
        """All entries that match."""
        return await run_in_threadpool(self._exported, request, "application/json", "json")

    def places(self, request: Request, permission: str) -> tuple[str, list[Place]]:
        """The app's first name, and its environments where who asks has the permission. UsageError if nothing of the app may
        be seen; NotAllowed if there is none."""
        shown, who, ctx = str(request.path_params["app"]), identity_of(request), self._ctx
        recorded = ctx.names
        app = recorded.app(shown)
        if shown not in self._observer.apps() or not sees(who, app):
            raise pages.unknown_app(shown)
        board = self._observer.board(shown)
        known = [item.environment.name for item in board.environments]
        known += [name for kept in ctx.ledger.environments(app) if (name := recorded.shown(app, kept)) not in known]
        found = [Place(name, recorded.environment(app, name)) for name in known]
        allowed = [item for item in found if who.may(board.permission(permission, item.name), app, item.kept)]
        if found and not allowed:
            require(who, board.permission(permission, found[0].name), app, found[0].kept)
        return app, allowed

    def _database(self, request: Request) -> Response:
        app, places = self.places(request, "see")
        found = [database(self._ctx, app, place) for place in places]
        return self._page(request, "database.html", app=request.path_params["app"], environments=found)

    def _jobs(self, request: Request) -> Response:
        app, places = self.places(request, "see")
        now, who = self._ctx.clock(), identity_of(request)
        found = [
            {
                "name": place.name,
                "jobs": [
                    job(item, now, logs=who.may("logs", app, place.kept))
                    for item in overview(self._ctx, app, place.kept, limit=RUNS)
                ],
            }
            for place in places
            if live(self._ctx, app, place.kept) is not None
        ]
        return self._page(request, "jobs.html", app=request.path_params["app"], environments=found)

    def _secrets(self, request: Request) -> Response:
        app, places = self.places(request, "secrets")
        if identity_of(request).may("secrets.protected", app, ALL):
            places += [Place(text, scope) for scope, text in OTHERS.items()]
        found = [{"name": place.name, "secrets": secrets(self._ctx, app, place.kept)} for place in places]
        kept = [item for item in found if item["secrets"]]
        return self._page(request, "secrets.html", app=request.path_params["app"], scopes=kept)

    def _audit(self, request: Request) -> Response:
        require(identity_of(request), "audit")
        given = _given(request)
        only = _filter(given, self._ctx.clock())
        before = request.query_params.get("before", "")
        number = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
        found = view.shown(self._ctx, replace(only, before=number), ON_A_PAGE + 1)
        chosen = {name: value for name, value in given.items() if value}
        older = urlencode({**chosen, "before": found[ON_A_PAGE - 1].entry.number}) if len(found) > ON_A_PAGE else ""
        newest_entry = self._ctx.ledger.audit(AuditFilter(), 1)
        return self._page(
            request, "audit.html", given=given, entries=[entry(item) for item in found[:ON_A_PAGE]], older=older,
            chosen=urlencode(chosen), paged=number is not None, head=newest_entry[0] if newest_entry else None,
        )  # fmt: skip

    def _exported(self, request: Request, kind: str, ending: str) -> Response:
        require(identity_of(request), "audit")
        found = view.exported(self._ctx, _filter(_given(request), self._ctx.clock()))
        lines = _csv(found) if ending == "csv" else _json(found)
        return StreamingResponse(
            lines, media_type=kind, headers={"Content-Disposition": f'attachment; filename="audit.{ending}"'}
        )


FIELDS = ("app", "environment", "actor", "kind", "since", "until")
OTHERS = {
    names.BUILDS: "Builds",
    names.ANY_BRANCH: "Builds of every branch",
    names.PROOFS: "Proofs",
    names.REGISTRY: "Registry",
}


def _given(request: Request) -> dict[str, str]:
    """The fields of the form, without what no name has."""
    texts = {name: request.query_params.get(name, "").strip()[:200] for name in FIELDS}
    return {name: "".join(filter(str.isprintable, text)) for name, text in texts.items()}


def _filter(given: dict[str, str], now: float) -> AuditFilter:
    """UsageError if a time is none. A day that is chosen as the end is in it."""
    since, until = given["since"], given["until"]
    end = past(until, now) + (DAY if len(until) == len("2024-01-31") and "-" in until else 0.0) if until else None
    return AuditFilter(
        given["app"],
        given["environment"],
        given["actor"].lower(),
        given["kind"],
        past(since, now) if since else None,
        end,
    )


def _csv(found: Iterator[Entry]) -> Iterator[str]:
    yield view.as_csv(None) + "\r\n"
    for item in found:
        yield view.as_csv(item) + "\r\n"


def _json(found: Iterator[Entry]) -> Iterator[str]:
    start = "["
    for item in found:
        yield f"{start}{json.dumps(to_data(item))}\n"
        start = ","
    yield "]\n" if start == "," else "[]\n"


def entry(item: view.Shown) -> dict[str, Any]:
    """A row of the audit."""
    found = item.entry
    kinds = {
        "succeeded": "ok",
        "failed": "bad",
        "refused": "bad",
        "began": "warn",
        "interrupted": "warn",
        "pending": "warn",
    }
    words = {"began": "not ended"}.get(item.outcome, item.outcome)
    return {
        "item": found, "when": timestamp(found.at), "place": "/".join(filter(None, (found.app, found.environment))),
        "outcome": Pill(kinds.get(item.outcome, "dim"), words) if item.outcome else None,
        "why": item.end.what if item.end and item.outcome != "succeeded" else "",
    }  # fmt: skip


def database(ctx: Context, app: str, place: Place) -> dict[str, Any]:
    """What is known of an environment's database."""
    ledger, now = ctx.ledger, ctx.clock()
    current = ledger.current(app, place.kept)
    release = ledger.release(app, current.release) if current else None
    made = [item for item in ledger.history(app, place.kept) if item.outcome == SUCCEEDED]
    changes = [
        {"item": item, "before": older.schema if older else None, "when": ago(now - (item.finished or item.started))}
        for item, older in zip(made, [*made[1:], None][: len(made)], strict=True)
        if item.schema and item.schema != (older.schema if older else None)
    ]
    tried = []
    for number in list(dict.fromkeys(item.release for item in made))[:RELEASES]:
        found = newest([item for item in ledger.evidence(app, number) if item.kind == REHEARSAL], place.kept)
        if found:
            tried.append(
                {
                    "when": ago(now - found[0]),
                    "item": found[1],
                    "outcome": outcome("succeeded" if found[1].passed else "failed"),
                }
            )
    snapshots = [
        {"item": item, "when": ago(now - item.at), "rows": sum(item.rows.values())}
        for item in ledger.snapshots(app, place.kept)
    ]
    waivers = [
        {"item": item, "when": ago(now - item.at), "until": timestamp(item.expires), "over": item.expires <= now}
        for item in reversed(ledger.waivers(app, place.kept))
    ]
    return {
        "name": place.name, "schema": current.schema if current else None, "release": release, "changes": changes[:CHANGES],
        "snapshots": snapshots, "rehearsals": tried, "waivers": waivers,
    }  # fmt: skip


def job(item: Overview, now: float, *, logs: bool) -> dict[str, Any]:
    """A job on a schedule, with its last runs. logs: whether with what they printed."""
    return {
        "item": item.schedule, "next": timestamp(item.next) if item.next else "", "overdue": ago(now - item.overdue) if item.overdue else "",
        "runs": [_scheduled(run if logs else replace(run, log=""), now) for run in item.runs],
    }  # fmt: skip


def _scheduled(run: ScheduledRun, now: float) -> dict[str, Any]:
    state = {"timed out": "failed", "lost": "failed"}.get(run.outcome, run.outcome)
    pill = outcome(state) if state == run.outcome else Pill("bad", f"✗ {run.outcome}")
    return {
        "item": run, "when": ago(now - run.due), "outcome": pill,
        "took": human(run.finished - run.began) if run.finished and run.began else "", "log": run.log,
    }  # fmt: skip


def secrets(ctx: Context, app: str, environment: str) -> list[dict[str, Any]]:
    """The secrets of an environment or of another scope: names, versions, and who set them when."""
    ledger = ctx.ledger
    scope = names.scope(app, environment)
    origins = ledger.secret_origins(scope)
    found = []
    for name, fingerprints in ledger.secrets(scope).items():
        by = _set_by(ledger.audit(AuditFilter(app, environment, kind="secret", subject=f"secret {name}"), 100))
        known = {item.version: item for item in origins.get(name, ())}
        versions = []
        for version, fingerprint in reversed(list(enumerate(fingerprints, 1))):
            who, at = by.get(version, ("", known[version].at if version in known else None))
            source = known[version].source if version in known else ""
            versions.append(
                {
                    "version": version,
                    "removed": not fingerprint,
                    "by": who,
                    "when": timestamp(at) if at else "",
                    "source": source,
                }
            )
        found.append({"name": name, "own": ":" in name, "newest": versions[0], "earlier": versions[1:]})
    return sorted(found, key=lambda item: (item["own"], item["name"]))


def _set_by(entries: Sequence[Entry]) -> dict[int, tuple[str, float]]:
    """Who made each version, and when, as the audit says."""
    found = {}
    for item in entries:
        version = item.what.rpartition("version ")[2]
        if version.isdecimal():
            found[int(version)] = (item.actor, item.at)
    return found
