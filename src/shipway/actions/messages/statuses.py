"""Commit statuses: of each run `shipway/APP`, of each deployment `shipway/APP/ENVIRONMENT`."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.forge import ERROR, FAILURE, SUCCESS, State
from shipway.domain.forge import PENDING as WAITING
from shipway.domain.outbox import DEPLOYMENT, RUN, UNCHANGED, News
from shipway.domain.release import CANCELLED, DEPLOY, FAILED, PENDING, ROLLBACK, SUCCEEDED, SUPERSEDED
from shipway.domain.run import RunRecord
from shipway.domain.value import dataclass
from shipway.system.durations import human

STEP = "step"  # kind of the trigger of a run of a single step
STATES: dict[str, State] = {PENDING: WAITING, SUCCEEDED: SUCCESS, FAILED: FAILURE, CANCELLED: ERROR, SUPERSEDED: ERROR}


@dataclass(frozen=True)
class Said:
    """A status to be set. rank: increases with each state of the commit's name. path: of the page with more."""

    commit: str
    context: str
    state: State
    description: str
    rank: int
    path: str

    def data(self) -> dict[str, object]:
        """As a message has it."""
        fields = ("commit", "context", "state", "description", "path")
        return {"kind": "status", **{name: getattr(self, name) for name in fields}}


def of(ctx: Context, news: News, run: RunRecord | None) -> Said | None:
    """The status that the news change; None: none."""
    shown = ctx.names.shown(news.app)
    if news.kind == UNCHANGED:
        commit, _, why = news.detail.partition(" ")
        return Said(commit, f"shipway/{shown}", SUCCESS, why, 1, f"/apps/{shown}/runs")
    if news.kind == RUN and run is not None:
        failed = [step.name for step in ctx.ledger.steps(run.number) if step.outcome == FAILED]
        took = f" after {human(run.finished - run.started)}" if run.finished is not None else ""
        words = {
            PENDING: "is going on", SUCCEEDED: f"passed{took}", CANCELLED: "was cancelled",
            FAILED: f"failed: {', '.join(failed)}" if failed else "failed",
        }  # fmt: skip
        text = f"run {run.number} {words.get(run.outcome, run.outcome)}"
        rank, path = _rank(run.number, run.outcome), f"/apps/{shown}/runs/{run.number}"
        return Said(run.revision, f"shipway/{shown}", STATES.get(run.outcome, ERROR), text, rank, path)
    return _of_deployment(ctx, news, shown) if news.kind == DEPLOYMENT else None


def _of_deployment(ctx: Context, news: News, shown: str) -> Said | None:
    item = ctx.ledger.deployment(news.app, news.environment, news.number)
    release = ctx.ledger.release(news.app, item.release) if item else None
    if item is None or release is None or item.kind not in (DEPLOY, ROLLBACK):
        return None
    what = f"the {'deployment' if item.kind == DEPLOY else 'rollback to it'}"
    done = "deployed" if item.kind == DEPLOY else "rolled back to it"
    words = {
        PENDING: f"{what} is going on", SUCCEEDED: done, FAILED: f"{what} failed", CANCELLED: f"{what} was cancelled",
        SUPERSEDED: "a newer release came first",
    }  # fmt: skip
    environment = ctx.names.shown(news.app, news.environment)
    text = f"release {release.number}: {words.get(item.outcome, item.outcome)}"
    rank, path = _rank(item.id, item.outcome), f"/apps/{shown}/deployments/{environment}/{item.id}"
    return Said(
        release.revision, f"shipway/{shown}/{environment}", STATES.get(item.outcome, ERROR), text, rank, path
    )  # fmt: skip


def _rank(number: int, outcome: str) -> int:
    return 2 * number + (outcome != PENDING) + 2  # more than that of a commit that was not run
