"""Apply an edited file of secrets: all of it or nothing."""

from __future__ import annotations

from shipway.actions.environment.secret_lists import set_all
from shipway.actions.environment.secret_names import check_name, misfit, require_unused
from shipway.context import Context
from shipway.domain import dotenv, names
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Edit:
    """What an edit changed."""

    set: tuple[str, ...]
    removed: tuple[str, ...]
    notes: tuple[str, ...]  # names that nothing uses


def apply_edit(ctx: Context, plan: Plan, environment: Environment, before: str, after: str) -> Edit:
    """Set new and changed values, and remove the names whose lines are gone. SecretError lists all problems; UsageError if
    a removed one is used. Then nothing is changed."""
    old = {item.name: item.value for item in dotenv.parse(before).found}
    found = dotenv.parse(after)
    problems, notes = list(found.problems), list[str]()
    for item in found.found:
        if not item.value.strip():
            problems.append(f"line {item.line}: the value of {item.name} is blank; to remove it, remove the line")
        if why := misfit(ctx.kinds, plan, environment.name, item.name, item.value):
            problems.append(f"line {item.line}: {why}")
    new = {item.name: item.value for item in found.found}
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    for name in changed:
        try:
            notes += [note for note in [check_name(plan, environment.name, name)] if note]
        except UsageError as error:
            problems.append(error.message)
    if problems:
        raise SecretError("\n".join(["the file has problems:", *(f"  {text}" for text in problems)]))
    removed = [name for name in old if name not in new]
    for name in removed:
        require_unused(ctx, plan, environment.name, name)
    set_all(ctx, plan.app, environment.name, changed)
    for name in removed:
        ctx.secrets.remove(names.scope(plan.app, environment.name), name)
    return Edit(tuple(changed), tuple(removed), tuple(notes))


def describe(done: Edit, environment: str) -> str:
    """In a few lines."""
    lines = [f"set for {environment}: {', '.join(done.set)}"] if done.set else []
    lines += [f"removed from {environment}: {', '.join(done.removed)}"] if done.removed else []
    return "\n".join([*(lines or ["nothing was changed"]), *done.notes])


def file_problems(ctx: Context, plan: Plan, environment: Environment, text: str) -> list[str]:
    """Why a file of secrets can't be used for an environment, a line for each; empty if it can."""
    found = dotenv.parse(text)
    problems = list(found.problems)
    for item in found.found:
        if not item.value.strip():
            problems.append(f"line {item.line}: the value of {item.name} is blank; to remove it, remove the line")
        if why := misfit(ctx.kinds, plan, environment.name, item.name, item.value):
            problems.append(f"line {item.line}: {why}")
    return problems
