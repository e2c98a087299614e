"""The infrastructure of an environment: plan, apply exactly what was approved, take the outputs, compare, destroy.

HOME/infra/APP/ENVIRONMENT/  mode 0700
    source/        the files of the protected branch's commit, written again by each command
    work/          the tool's: the state, if the code has no backend, and its data
    plan, plan.json  the stored plan: of the tool, and what was shown. They end with their apply
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from shipway.actions.environment.locks import held
from shipway.actions.provisioning.in_force import Governed, secret_values
from shipway.actions.provisioning.outputs import last_provision
from shipway.domain import names
from shipway.domain.errors import InfraError, PlanError, ShipwayError, UsageError
from shipway.domain.infra import InfraPlace, InfraPlan, ResourceChange, Taken, host_of, missing_outputs, taken
from shipway.domain.provision import APPLY, DESTROY, FAILED, INFRA, SUCCEEDED, Provision
from shipway.domain.provisioned import ADDRESSES, HOSTS, Infra
from shipway.domain.record import from_data, to_data
from shipway.domain.rules import provisioned_text
from shipway.domain.value import dataclass
from shipway.planfile.values import host as checked_host
from shipway.planfile.values import host_address
from shipway.ports import InfraTool
from shipway.system.login import login
from shipway.system.private_file import write_private


@dataclass(frozen=True)
class Workplace:
    """The folders of an environment's infrastructure, and its tool."""

    settings: Infra
    root: Path
    tool: InfraTool

    @property
    def plan_file(self) -> Path:
        """The tool's own plan."""
        return self.root / "plan"

    @property
    def shown_file(self) -> Path:
        """What was shown of it."""
        return self.root / "plan.json"

    def forget_plan(self) -> None:
        """Remove the stored plan, which has values of secrets."""
        self.plan_file.unlink(missing_ok=True)
        self.shown_file.unlink(missing_ok=True)


def settings_of(of: Governed) -> Infra:
    """The environment's `infra`. PlanError if it has none."""
    if of.environment.infra is None:
        raise PlanError(
            f"the plan of {of.plan.app} has no `infra` for {of.shown}",
            hint="add `infra` to the environment on the protected branch, see docs/infrastructure.md; `shipway init --infra PROVIDER` writes modules",
        )
    return of.environment.infra


def protected_of(of: Governed) -> tuple[str, ...]:
    """Patterns of resources that the plan protects, beside those with data."""
    return settings_of(of).protect


def plan_infra(of: Governed, *, destroy: bool = False) -> InfraPlan:
    """Plan with the code of the protected branch, and store the plan. InfraError if it lacks an output that is taken."""
    with _workplace(of, "plan") as place:
        place.forget_plan()
        found = place.tool.plan(place.plan_file, _lines(of, "plan"), destroy=destroy)
        settings = provisioned_text(place.settings)
        made = replace(found, revision=of.revision, settings=settings)
        if not destroy and (missing := missing_outputs(place.settings, made.outputs)):
            known = ", ".join(sorted(made.outputs)) or "none"
            place.forget_plan()
            raise InfraError(
                f"the code has no output {', '.join(missing)}, which the plan of {of.plan.app} takes",
                hint=f"it has: {known}; correct `infra.outputs`, or add the output",
            )
        shown = replace(made, outputs={})  # values may be secrets
        write_private(place.shown_file, json.dumps(to_data(shown)))
        return made


def apply_infra(of: Governed, digest: str, *, confirmed: str | None = None) -> tuple[InfraPlan, Taken]:
    """Apply the stored plan, if it is the one with this digest, and take its outputs. confirmed: the environment's name, typed
    by a person; without it nothing that holds data is destroyed."""
    with _workplace(of, "apply") as place:
        plan = _approved(of, place, digest)
        _require_confirmed(of, place.settings, plan, confirmed)
        action = DESTROY if plan.destroy else APPLY
        with _recorded(of, action, plan.digest, plan.text or "outputs only") as record:
            place.tool.apply(place.plan_file, _lines(of, "apply"))
            place.forget_plan()
            found = Taken() if plan.destroy else _take(of, place)
            record(found)
        return plan, found


def take_outputs(of: Governed) -> Taken:
    """Take the outputs of what was applied: after an apply that ended before that, or elsewhere."""
    with _workplace(of, "outputs") as place, _recorded(of, "outputs", "", "outputs") as record:
        found = _take(of, place)
        record(found)
        return found


def drift_of(of: Governed) -> list[ResourceChange]:
    """What was changed outside of the tool."""
    with _workplace(of, "drift") as place:
        return list(place.tool.drift(_lines(of, "drift")))


def unfinished(of: Governed) -> Provision | None:
    """A change whose process died; the tool's state knows how far it came."""
    last = of.ctx.ledger.provisions(of.plan.app, of.environment.name, INFRA, 1)
    return last[0] if last and last[0].finished is None else None


def _approved(of: Governed, place: Workplace, digest: str) -> InfraPlan:
    try:
        plan = from_data(InfraPlan, json.loads(place.shown_file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InfraError(
            f"no plan of {of.shown} is stored on this machine", hint=f"shipway infra {of.shown} plan"
        ) from None
    again = f"shipway infra {of.shown} {'destroy' if plan.destroy else 'plan'}"
    content = _content(place.plan_file)
    if not plan.is_approved_by(digest) or content != plan.content:
        raise InfraError(
            f"the stored plan is not that of {digest[:19]}", hint=f"plan again, and look at the changes: {again}"
        )
    if plan.revision != of.revision or plan.settings != provisioned_text(place.settings):
        raise InfraError(
            f"{of.source} has other code or other settings than the plan, which is of {plan.revision[:12]}",
            hint=f"plan again: {again}",
        )
    return plan


def _content(file: Path) -> str:
    import hashlib

    try:
        return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _require_confirmed(of: Governed, settings: Infra, plan: InfraPlan, confirmed: str | None) -> None:
    lost = plan.destroyed_data(settings.protect)
    if (not plan.destroy and not lost) or confirmed == of.shown:
        return
    what = "all infrastructure" if plan.destroy else ", ".join(lost)
    raise UsageError(
        f"this destroys {what} of {of.shown}"
        + (f", with its data: {', '.join(lost)}" if plan.destroy and lost else ""),
        hint=f"pass --confirm {of.shown} to proceed",
    )


def _take(of: Governed, place: Workplace) -> Taken:
    """Sensitive values go to the secrets before anything else sees them."""
    outputs = place.tool.outputs()
    found = taken(place.settings, outputs)
    of.ctx.redactor.add(dict(found.secrets))
    try:
        for host in map(host_of, found.public.get(HOSTS, ())):
            checked_host(host.name)
            if host.address is not None:
                host_address(host.address)
    except ValueError as error:
        raise InfraError(
            f"the output {place.settings.outputs[HOSTS]} is no list of hosts: {error}",
            hint=f"correct it in the code; then plan and apply again, or only take it: shipway infra {of.shown} outputs",
        ) from error
    try:
        for text in found.public.get(ADDRESSES, ()):
            ip_address(text)
    except ValueError as error:
        raise InfraError(
            f"the output {place.settings.outputs[ADDRESSES]} is no list of IP addresses: {error}",
            hint="names of other hosts, such as that of a load balancer, go into `dns.target` of the plan",
        ) from error
    scope = names.scope(of.plan.app, of.environment.name)
    for name, value in found.secrets.items():
        of.ctx.secrets.set(scope, name, value)
    return found


@contextmanager
def _recorded(of: Governed, action: str, digest: str, detail: str) -> Iterator[Callable[[Taken], None]]:
    """Record it as pending before, and its end. Yields what to call with the outputs."""
    ctx, result = of.ctx, list[Taken]()
    number = ctx.ledger.begin_provision(
        Provision(
            0, of.plan.app, of.environment.name, INFRA, action, digest, of.revision, ctx.actor, login(), detail, ctx.clock()
        )
    )  # fmt: skip
    outcome, message = FAILED, "interrupted"
    try:
        yield result.append
        outcome, message = SUCCEEDED, ""
    except ShipwayError as error:
        message = error.message
        raise
    finally:
        public = result[-1].public if result else None
        ctx.ledger.end_provision(number, ctx.clock(), outcome, message, public)


@contextmanager
def _workplace(of: Governed, what: str) -> Iterator[Workplace]:
    """The code of the protected branch, and the tool, for one command at a time."""
    settings, ctx = settings_of(of), of.ctx
    assert ctx.infra is not None
    app, name = of.plan.app, of.environment.name
    with held(ctx, f"{names.scope(app, name)}/infra", f"infra {what} of {of.shown}"):
        secrets = secret_values(of, {item: item for item in settings.secrets}, "the infrastructure")
        root = ctx.home / "infra" / app / name
        for folder in (ctx.home / "infra", root.parent, root, root / "work"):
            folder.mkdir(mode=0o700, exist_ok=True)
        source = root / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(mode=0o700)
        of.files().export(of.revision, source)
        folder = source / settings.folder
        if not folder.is_dir() or not folder.resolve().is_relative_to(source.resolve()):
            raise UsageError(
                f"{of.source} has no folder {settings.folder}",
                hint="correct `infra.folder` in the plan, or merge the code",
            )
        last = last_provision(ctx, app, name)
        applied = last is not None and last.action != DESTROY
        tool = ctx.infra(settings, InfraPlace(folder, root / "work", secrets, applied))
        yield Workplace(settings, root, tool)


def _lines(of: Governed, what: str) -> Callable[[str], None]:
    return partial(of.ctx.reporter.line, what)
