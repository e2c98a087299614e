"""What Prometheus reads: counts and states as text."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shipway import __version__
from shipway.actions.upkeep.status import EnvironmentStatus
from shipway.domain.errors import NotAllowed, NotSignedIn, StoreError
from shipway.domain.people import Identity
from shipway.domain.release import PENDING
from shipway.domain.totals import Total
from shipway.domain.value import dataclass
from shipway.server.api.asking import token_identity
from shipway.server.pages import state
from shipway.server.site import Site

TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTED = 30.0  # seconds that counts over the whole ledger count as new
MOST = 10_000  # pushes that are looked at
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """One name with its samples: suffix of the name, labels and value."""

    name: str
    kind: str
    meaning: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)

    def add(self, value: float, suffix: str = "", **labels: str) -> None:
        """Add one."""
        self.samples.append((suffix, labels, value))

    def lines(self) -> Iterator[str]:
        """As Prometheus reads them; nothing without samples."""
        if self.samples:
            yield f"# HELP {self.name} {self.meaning}"
            yield f"# TYPE {self.name} {self.kind}"
        for suffix, labels, value in self.samples:
            listed = ",".join(f'{key}="{text.translate(ESCAPES)}"' for key, text in labels.items())
            yield f"{self.name}{suffix}{{{listed}}} {value!r}" if listed else f"{self.name}{suffix} {value!r}"


class Metrics:
    """The route /metrics. It shows what the token's person may see; all of it, to everybody, if the site says so."""

    def __init__(self, site: Site) -> None:
        self._site, self._lock = site, threading.Lock()
        self._counted, self._totals = 0.0, (list[Total](), list[Total]())

    async def answer(self, request: Request) -> Response:
        """The text. 401 without a token."""
        try:
            text = await run_in_threadpool(self._text, request)
        except NotSignedIn as error:
            return JSONResponse({"error": error.message, "hint": error.hint}, 401, {"WWW-Authenticate": "Bearer"})
        except NotAllowed as error:
            return JSONResponse({"error": error.message, "hint": error.hint}, 403)
        except StoreError:  # why is not for everybody
            return PlainTextResponse("the ledger does not answer\n", 503)
        return PlainTextResponse(text, headers={"Content-Type": TYPE})

    def _text(self, request: Request) -> str:
        who = None if self._site.open_metrics else token_identity(self._site, request)
        if who is not None and who.token is not None and "see" not in who.token.permissions:
            raise NotAllowed("this token may not `see`", hint="use a token that has `see`")
        found = [line for metric in self._metrics(who) for line in metric.lines()]
        return "\n".join([*found, ""])

    def _metrics(self, who: Identity | None) -> list[Metric]:
        built = Metric("shipway_build_info", "gauge", "Version of Shipway.")
        built.add(1, version=__version__)
        return [built, *self._totals_of(who), *self._queue(who), *self._environments(who)]

    def _totals_of(self, who: Identity | None) -> list[Metric]:
        deployments = Metric(
            "shipway_deployment_seconds", "summary", "Deployments that have ended, and how long they took."
        )
        runs = Metric("shipway_run_seconds", "summary", "Runs of the pipeline that have ended, and how long they took.")
        deploying = Metric("shipway_deployments_unfinished", "gauge", "Deployments that have no outcome yet.")
        running = Metric("shipway_runs_unfinished", "gauge", "Runs of the pipeline that have no outcome yet.")
        names, (made, ran) = self._site.ctx.names, self._read_totals()
        for total in made:
            if _sees(who, total.app, total.environment):
                place = {"app": names.shown(total.app), "environment": names.shown(total.app, total.environment)}
                _add(deployments, deploying, total, {**place, "kind": total.kind})
        for total in ran:
            if _sees(who, total.app, "*"):
                _add(runs, running, total, {"app": names.shown(total.app), "trigger": total.kind})
        return [deployments, deploying, runs, running]

    def _read_totals(self) -> tuple[list[Total], list[Total]]:
        with self._lock:  # of a large ledger, it takes a while
            if not self._counted or time.monotonic() - self._counted > COUNTED:
                ledger = self._site.ctx.ledger
                self._totals = ledger.deployment_totals(), ledger.run_totals()
                self._counted = time.monotonic()
            return self._totals

    def _queue(self, who: Identity | None) -> list[Metric]:
        pushes = Metric("shipway_queue_pushes", "gauge", "Pushes that have not ended.")
        oldest = Metric("shipway_queue_oldest_seconds", "gauge", "Age of the oldest push that waits; 0: none waits.")
        if not _sees(who, "*", "*"):
            return []
        ledger = self._site.ctx.ledger
        found, now = ledger.pushes(MOST, open=True), ledger.now()
        waiting = [item for item in found if item.until <= now]
        pushes.add(len(waiting), state="waiting")
        pushes.add(len(found) - len(waiting), state="running")
        oldest.add(max((now - item.queued for item in waiting), default=0.0))
        return [pushes, oldest]

    def _environments(self, who: Identity | None) -> list[Metric]:
        read = Metric("shipway_app_read", "gauge", "Whether the app could be read when it was looked at last.")
        looked = Metric("shipway_app_read_timestamp_seconds", "gauge", "When it was looked at last.")
        well = Metric(
            "shipway_environment_ok", "gauge", "Whether all that should run there runs; absent: nothing is deployed."
        )
        release = Metric("shipway_environment_release", "gauge", "Number of the release that is deployed.")
        replicas = Metric(
            "shipway_replicas", "gauge", "Containers of the current release: running, and as the plan wants."
        )
        held = Metric("shipway_lock_seconds", "gauge", "How long somebody has held the lock of an environment.")
        names, now = self._site.ctx.names, self._site.ctx.ledger.now()
        for name in self._site.observer.apps():
            app, board = names.app(name), self._site.observer.seen(name)
            seen = [
                item for item in board.environments if _sees(who, app, names.environment(app, item.environment.name))
            ]
            if board.seen and (seen or _sees(who, app, "*")):
                read.add(float(not board.problem), app=name)
                looked.add(board.seen, app=name)
            for item in seen:
                place = {"app": name, "environment": item.environment.name}
                _add_environment(well, release, replicas, item, place)
                if item.lease:
                    held.add(max(0.0, now - item.lease.since), **place, holder=item.lease.who, reason=item.lease.reason)
        return [read, looked, well, release, replicas, held]


def _add_environment(well: Metric, release: Metric, replicas: Metric, item: EnvironmentStatus, place: Labels) -> None:
    if item.current is None:
        return
    well.add(float(state(item).kind != "bad"), **place)
    release.add(item.current.release, **place)
    for service, (running, wanted) in item.services.items():
        replicas.add(running, **place, service=service, state="running")
        replicas.add(wanted, **place, service=service, state="wanted")


def _add(ended: Metric, unfinished: Metric, total: Total, labels: Labels) -> None:
    if total.outcome == PENDING:
        unfinished.add(total.count, **labels)
    else:
        ended.add(total.count, "_count", **labels, outcome=total.outcome)
        ended.add(total.seconds, "_sum", **labels, outcome=total.outcome)


def _sees(who: Identity | None, app: str, environment: str) -> bool:
    return who is None or who.may("see", app, environment)
