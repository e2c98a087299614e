"""What containers of a plan may do beyond the defaults: a reach, so it is never the commit's own to decide."""

from __future__ import annotations

from shipway.domain.plan import Plan, Security

DEFAULT = Security()


def of_services(plan: Plan) -> list[str]:
    """Each right beyond the defaults that a service has, as text."""
    return [f"{service.name} {text}" for service in plan.services.values() for text in _texts(service.security)]


def of_steps(plan: Plan, protected: Plan | None) -> list[str]:
    """The rights beyond the defaults that steps of a plan ask for and the protected plan doesn't give them."""
    found = []
    for step in plan.pipeline.values():
        known = protected.pipeline.get(step.name) if protected else None
        allowed = known.security if known else DEFAULT
        looser, given = step.security.looser_than(allowed), _texts(allowed)
        found += [f"step {step.name}: {text}" for text in _texts(step.security) if text.split(":")[0] in looser and text not in given]
    return found


def _texts(security: Security) -> list[str]:
    """Capabilities one by one: a part of what is allowed is allowed as well."""
    values = {"no-new-privileges": ["false"], "pids": [str(security.pids)], "capabilities": sorted(security.capabilities)}
    return [f"{key}: {value}" for key in security.looser_than(DEFAULT) for value in values[key]]
