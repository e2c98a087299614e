"""The comment below a pull request: checks, what the release changes, and how its rollback was proven."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from shipway.actions.proofs.recorded import recorded_proofs, summary
from shipway.context import Context
from shipway.domain.forge import MERGED
from shipway.domain.preview import OPEN, is_reserved
from shipway.domain.proof import Proof
from shipway.domain.record import from_data
from shipway.domain.refs import HEADS
from shipway.domain.release import CANCELLED, DEPLOY, FAILED, PENDING, ROLLBACK, SKIPPED, SUCCEEDED, Release
from shipway.domain.run import RunRecord, StepRecord
from shipway.domain.webhook import pull_of
from shipway.system.durations import human

WORDS = {PENDING: "is going on", SUCCEEDED: "passed", FAILED: "failed", CANCELLED: "was cancelled"}
RESULTS = {PENDING: "running", SUCCEEDED: "passed", SKIPPED: "passed before"}
MARKER = 50  # characters of an app's name in a marker
ASKS = "?pull="  # in the address of the form that asks for a member's word
LATEST = 50  # releases among which a run's is looked for
PROBLEM = 300  # characters of why there is no preview


def comment(ctx: Context, run: RunRecord) -> dict[str, object] | None:
    """The comment for the commit of a run of a branch or a pull request, as a message has it; None for others."""
    number = pull_of(run.trigger.ref)
    if number is None and not run.trigger.ref.startswith(HEADS):
        return None
    shown = ctx.names.shown(run.app)
    path = f"/apps/{shown}/runs/{run.number}"
    head = f"**{code(shown)}** at {code(run.revision[:12])}: run {run.number} {WORDS.get(run.outcome, run.outcome)}"
    parts = [head, *_checks(ctx.ledger.steps(run.number))]
    release = next((item for item in ctx.ledger.releases(run.app, LATEST) if item.run == run.number), None)
    parts += _changes(ctx, release) if release else []
    parts += _proofs(ctx, run, release)
    parts += _deployed(ctx, release) if release else []
    parts += _preview(ctx, run)
    return {
        "kind": "comment", "commit": run.revision, "marker": marker(run.app), "text": "\n\n".join(parts), "path": path,
        "number": number,
    }  # fmt: skip


def waiting(ctx: Context, app: str, number: int, head: str) -> dict[str, object]:
    """The comment for a pull request from another repository that no member has said the word for."""
    shown = ctx.names.shown(app)
    text = (
        f"**{code(shown)}** at {code(head[:12])}: these commits come from another repository. They are checked when a member "
        f"of the team has read them, and says so:\n\n    shipway run {head} --pull-request {number} --app {shown}"
    )
    path = f"/apps/{shown}/runs{ASKS}{number}&commit={head}#check"
    return {"kind": "comment", "commit": head, "marker": marker(app), "text": text, "path": path, "number": number}


def ended(said: dict[str, object], number: int, how: str) -> dict[str, object]:
    """What a comment says of a pull request that was closed or merged. how: begins with which of both."""
    merged = how.startswith(MERGED)
    lead = "This pull request was merged." if merged else "This pull request was closed: nothing more is run for it."
    text, waits = str(said["text"]), ASKS in str(said["path"])
    if waits:  # no word is waited for any more
        said, text = {**said, "path": ""}, text.partition(": ")[0]
    return {**said, "text": f"{lead}\n\n{text}", "number": number}


def marker(app: str) -> str:
    """The hidden name of an app's comment."""
    short = app if len(app) <= MARKER else hashlib.sha256(app.encode()).hexdigest()[:MARKER]
    return f"app-{short}"


def code(text: str) -> str:
    """A text in which nothing is markup, and no mention of anybody."""
    plain = " ".join(text.replace("`", "'").replace("|", "/").split())
    return f"`{plain}`" if plain else ""


def _checks(steps: list[StepRecord]) -> list[str]:
    if not steps:
        return []
    rows = [
        f"| {code(item.name)} | {RESULTS.get(item.outcome, item.outcome)} | {_took(item)} | {code(item.result.tests)} |"
        for item in steps
    ]
    return ["\n".join(["| check | result | time | tests |", "|---|---|---|---|", *rows])]


def _took(step: StepRecord) -> str:
    return human(step.finished - step.started) if step.finished is not None and step.outcome != SKIPPED else ""


def _changes(ctx: Context, release: Release) -> list[str]:
    """Against what runs in each environment of its plan."""
    names = [name for name in release.plan.environments if not is_reserved(name)]
    lines = [line for name in names for line in _change(ctx, release, name)]
    return ["\n".join([f"**Release {release.number}** would change:", "", *lines])] if lines else []


def _change(ctx: Context, release: Release, name: str) -> Iterator[str]:
    current = ctx.ledger.current(release.app, name)
    before = ctx.ledger.release(release.app, current.release) if current else None
    if before is not None and before.number == release.number:
        return
    shown = code(ctx.names.shown(release.app, name))
    if before is None:
        yield f"- {shown}: nothing is deployed there"
        return
    images = {*before.images, *release.images}
    changed = sorted(item for item in images if before.images.get(item) != release.images.get(item))
    what = [f"images {', '.join(map(code, changed))}"] if changed else []
    if before.schema != release.schema:
        what.append(f"migrations from {code(before.schema or 'none')} to {code(release.schema or 'none')}")
    yield f"- {shown}, where release {before.number} runs: {'; '.join(what) or 'no image and no migration'}"


def _preview(ctx: Context, run: RunRecord) -> list[str]:
    """Where the commit, or one before it, can be looked at; or why it can't."""
    here = [item for item in ctx.ledger.previews(run.app) if run.trigger.ref == f"{HEADS}{item.branch}"]
    found = next((item for item in here if item.wanted == OPEN and run.revision.startswith(item.head)), None)
    if found is None:
        return []
    now = ctx.ledger.current(found.app, found.environment)
    release = ctx.ledger.release(found.app, now.release) if now else None
    parts = []
    if release is not None:
        ends = f", until {datetime.fromtimestamp(found.ends, UTC):%Y-%m-%d %H:%M} UTC" if found.ends else ""
        older = f", at {code(release.revision[:12])}" if not release.revision.startswith(found.head) else ""
        parts.append(f"{release.plan.environments[found.environment].url}{older}{ends}")
    if found.problem:
        parts.append(f"not made of this commit: {code(found.problem.splitlines()[0][:PROBLEM])}")
    return [f"**Preview** {'; '.join(parts)}"] if parts else []


def _proofs(ctx: Context, run: RunRecord, release: Release | None) -> list[str]:
    """The newest of each environment; before there is a release, those of the run's steps."""
    if release is not None:
        found = recorded_proofs(ctx, release)
    else:
        steps = ctx.ledger.steps(run.number)
        found = [from_data(Proof, dict(item.result.proof)) for item in steps if item.passed and item.result.proof]
    newest: dict[str, Proof] = {}
    for proof in found:
        newest.setdefault(proof.environment, proof)
    lines = [_proof(ctx, run.app, proof) for proof in newest.values()]
    return ["\n".join(["**Rollback proof**", "", *lines])] if lines else []


def _proof(ctx: Context, app: str, proof: Proof) -> str:
    line = f"- {code(ctx.names.shown(app, proof.environment))}: {summary(proof)}"
    return line + (f"; migrations {', '.join(map(code, proof.way.migrations))}" if proof.way else "")


def _deployed(ctx: Context, release: Release) -> list[str]:
    lines = []
    for name in release.plan.environments:
        found = ctx.ledger.deployments_of(release.app, name, release.number)
        last = next((item for item in found if item.kind in (DEPLOY, ROLLBACK)), None)
        if last is not None:
            what = "deployment" if last.kind == DEPLOY else "rollback to it"
            lines.append(
                f"- {code(ctx.names.shown(release.app, name))}: the {what} {WORDS.get(last.outcome, last.outcome)}"
            )
    return (
        ["\n".join(["**Deployments**", "", *lines]).replace("deployment passed", "deployment succeeded")]
        if lines
        else []
    )
