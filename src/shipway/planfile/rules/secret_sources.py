"""Providers of an environment's secrets."""

from __future__ import annotations

from collections import Counter

from shipway.domain.plan import Plan
from shipway.domain.secret_source import AGE, AWS_PARAMETERS, AWS_SECRETS, SOPS, VARIABLES, VAULT, variable_problem
from shipway.planfile.report import Report


def check(plan: Plan, report: Report) -> None:
    """Each name has one provider, and `path` is where the provider has one."""
    for environment in plan.environments.values():
        at = ("environments", environment.name, "secrets_from")
        sources = environment.secrets_from
        counted = Counter(name for item in sources for name in item.names)
        for name in (name for name, number in counted.items() if number > 1):
            report.error(at, f"`{name}` is listed by {counted[name]} providers", "each name once")
        if sum(not item.names for item in sources) > 1:
            report.error(
                at, "several providers list no `names`: which one has a secret is undecided", "one without `names`"
            )
        for item in sources:
            if item.path and item.kind not in (VAULT, AWS_SECRETS, AWS_PARAMETERS):
                report.error(at, f"`path` has no meaning for `{item.kind}`", "no `path`")
            if item.kind in (AGE, SOPS) and any("#" in key for key in item.names.values()):
                report.error(at, f"a key of `{item.kind}` has no `#`", "the name in the file")
            if item.kind == VARIABLES and (why := variable_problem(plan.app, environment.name, item.names.values())):
                report.error(at, why, "another name, or another provider")
            if item.kind == VAULT and item.path and "/" not in item.path.strip("/"):
                report.error(at, f"`path: {item.path}` names no secret", "MOUNT/PATH, such as secret/catalogue")
