"""What the infrastructure gave to its environment."""

from __future__ import annotations

from functools import partial

from shipway.context import Context
from shipway.domain.plan import Plan
from shipway.domain.provision import INFRA, SUCCEEDED, Provision
from shipway.domain.provisioned import HOSTS


def with_outputs(ctx: Context, plan: Plan) -> Plan:
    """The plan with the hosts of its infrastructure, as last taken."""
    if not any(item.infra and HOSTS in item.infra.outputs for item in plan.environments.values()):
        return plan
    from shipway.domain.infra import configured  # rarely needed

    return configured(plan, partial(outputs_of, ctx, plan.app))


def outputs_of(ctx: Context, app: str, environment: str) -> dict[str, tuple[str, ...]]:
    """The public outputs of the infrastructure as last taken; none after it was destroyed."""
    last = last_provision(ctx, app, environment)
    return dict(last.outputs) if last else {}


def last_provision(ctx: Context, app: str, environment: str) -> Provision | None:
    """The last change of the infrastructure that succeeded, or taking of its outputs."""
    found = ctx.ledger.provisions(app, environment, INFRA, 1, outcome=SUCCEEDED)
    return found[0] if found else None
