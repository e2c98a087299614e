"""The commands of an environment that run in a service's image."""

from __future__ import annotations

from shipway.domain.plan import Environment
from shipway.domain.tasks import Schedule, Seed, Task


def commands_of(environment: Environment) -> dict[str, Seed | Task | Schedule]:
    """All of them, by their place in the plan."""
    tasks = {"before_switch": environment.before_switch, "after_deploy": environment.after_deploy}
    found: dict[str, Seed | Task | Schedule] = {"seed": environment.seed} if environment.seed else {}
    found |= {f"{key} {index}": item for key, items in tasks.items() for index, item in enumerate(items, 1)}
    if environment.cdn and environment.cdn.command:
        found["cdn"] = environment.cdn.command
    return found | {f"schedule {name}": item for name, item in environment.schedules.items()}
