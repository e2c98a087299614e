"""Names of secrets: what can't be a variable is refused, and what nothing asks for is said."""

from __future__ import annotations

import difflib
import re

from shipway.actions.observe import needed
from shipway.domain.errors import UsageError
from shipway.domain.plan import Plan

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def check_name(plan: Plan, environment: str, name: str) -> str:
    """UsageError where no variable can have the name. Words for the reader where the plan doesn't ask for it; else nothing."""
    if not VARIABLE.fullmatch(name):
        raise UsageError(f"{name[:60]!r} can't be the name of a variable", hint="letters, digits and underscores, no digit first: SECRET_KEY")
    place = plan.environments.get(environment)
    if place is None:
        return ""
    asked = needed(plan, place)
    if name in asked:
        return ""
    near = difflib.get_close_matches(name, asked, 1)
    guess = f"; did you mean {near[0]}?" if near else ""
    return f"note: nothing in the plan asks for {name} in {environment} yet{guess}"
