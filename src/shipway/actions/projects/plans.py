"""The plans of a commit: found by their usual places, read from the commit, and the files that each depends on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace

from shipway import planfile
from shipway.context import Context
from shipway.domain.errors import PlanError
from shipway.domain.inputs import inputs_of, inputs_tree
from shipway.domain.plan import PLAN_FILE, Plan
from shipway.domain.release import Commit
from shipway.system.addresses import addresses, identity
from shipway.system.git import Repository

ParsePlan = Callable[[str, str, Callable[[str], bool]], Plan]
FILES = ("100644", "100755")  # modes: a link could lead anywhere


def plan_files(repository: Repository, revision: str) -> list[str]:
    """Paths of the plans that are found in a commit: the one in its root, else those of folders such as apps/shop."""
    patterns = ["*/" * depth + PLAN_FILE for depth in range(planfile.DEPTH + 1)]
    found = repository.tree_hashes(revision, patterns)
    paths = [path for path, kind in found.items() if kind.split(" ")[0] in FILES and planfile.is_found(path)]
    return [PLAN_FILE] if PLAN_FILE in paths else sorted(paths)


def plans_to_run(ctx: Context, repository: Repository, revision: str) -> list[str]:
    """Paths of the plans that a push runs: those that are found, and those of all apps that are registered for the
    repository. A registered plan that the commit lacks is reported."""
    here = set(map(identity, addresses(repository)))
    made = [found for found in map(ctx.ledger.registration, ctx.ledger.apps()) if found is not None]
    known = {found.plan: found.app for found in made if here.intersection(map(identity, found.addresses))}
    there = repository.tree_hashes(revision, list(known)) if known else {}
    found = list(dict.fromkeys([*plan_files(repository, revision), *(path for path in known if path in there)]))
    for path in found and [path for path in known if path not in there]:
        ctx.reporter.note(f"{known[path]}: {revision[:12]} has no {path}, so nothing runs")
    return found


def plan_at(repository: Repository, commit: Commit, parse: ParsePlan, file: str | None = None) -> Plan:
    """The plan of a commit; file: its path in the repository, None: the only one that is found. PlanError if there is
    none, or several."""
    path = file or PLAN_FILE
    text = repository.show(commit.revision, path)
    if text is None:
        found = plan_files(repository, commit.revision)
        if file is None and found:
            planfile.require_one(found, commit.revision[:12])
            path = found[0]
            text = repository.show(commit.revision, path)
    if text is None:
        others = f"; it has: {', '.join(found)}" if found else ""
        hint = "commit it" if file and file != PLAN_FILE else "`shipway init` writes one; commit it"
        raise PlanError(f"there is no {path} in {commit.revision[:12]}{others}", hint=hint)
    folder = posixpath.dirname(path)
    return parse(
        text, path, lambda name: repository.exists(commit.revision, posixpath.normpath(posixpath.join(folder, name)))
    )


def of_plan(repository: Repository, commit: Commit, plan: Plan) -> Commit:
    """The commit as the plan sees it: with `inputs`, its tree is a digest over the files that the plan depends on. Equal
    digests mean the same plan, since it is one of these files."""
    patterns = inputs_of(plan)
    if not patterns:
        return commit
    return replace(commit, tree=inputs_tree(repository.tree_hashes(commit.revision, patterns)))
