"""What follows a push: each pushed branch and tag is run, for every plan of the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from shipway.actions.messages.news import report
from shipway.actions.projects.in_force import read_rules
from shipway.actions.projects.plans import ParsePlan, of_plan, plan_at, plans_to_run
from shipway.actions.runs.run import run
from shipway.actions.runs.unchanged import unchanged
from shipway.actions.runs.waiting import asker, may_deploy, require_now
from shipway.context import Context
from shipway.domain.errors import DeploymentWaits, ShipwayError
from shipway.domain.identity import author_identity, identity
from shipway.domain.outbox import UNCHANGED
from shipway.domain.queue import runs
from shipway.domain.refs import TAGS
from shipway.domain.release import Trigger
from shipway.system.git import Repository

WAIT = 600.0  # seconds that a run waits for another deployment to its environment


def run_pushed(
    ctx: Context, repository: Repository, pushed: Iterable[tuple[str, str]], parse: ParsePlan, tell: Callable[[Context, ShipwayError], None],
    *, actor: str | None = None, person: str = "", token: int = 0, protected: str | None = None,
) -> ShipwayError | None:  # fmt: skip
    """Run each pair of a revision and its ref, branches first. An error is told, and the others follow; returns the last
    one. actor: who pushed; None: each commit's author, since git knows no pusher. person: that one, if the
    server knows them: they need the permissions, and so does the token of that number by which they pushed. protected: the branch that the first push of an app registers."""
    failed: ShipwayError | None = None
    by = asker(ctx, person, token)
    for revision, ref in sorted(pushed, key=lambda item: item[1].startswith(TAGS)):
        if not runs(revision, ref):
            continue
        try:
            commit = repository.commit(revision)
            who = identity(actor) if actor else author_identity(commit.author)
            files: list[str | None] = [*plans_to_run(ctx, repository, commit.revision)] or [None]
        except ShipwayError as error:
            tell(ctx, error)
            failed = error
            continue
        own, trigger = replace(ctx, actor=who), Trigger("tag" if ref.startswith(TAGS) else "push", ref, who)
        for file in files:
            try:
                plan = plan_at(repository, commit, parse, file)
                if person:
                    require_now(own, by, "run", own.names.app(plan.app))
                rules = partial(read_rules, own, repository, plan, parse, protected=protected)
                seen = of_plan(repository, commit, plan)
                if same := unchanged(own, seen, plan, trigger, rules):
                    ctx.reporter.note(same)
                    report(own, UNCHANGED, plan.app, "", 0, f"{commit.revision} {same}")
                    continue
                may = partial(may_deploy, own, by) if person else None
                run(own, repository, seen, plan, trigger, rules=rules, wait=WAIT, may=may, person=person, token=token)
            except DeploymentWaits as error:  # no failure of the push
                ctx.reporter.note(f"{error.message}\n{error.hint}")
            except ShipwayError as error:  # the other apps and refs follow
                tell(ctx, error)
                failed = error
    return failed
