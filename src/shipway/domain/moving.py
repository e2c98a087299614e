"""An environment whose plan names another platform than the one that it runs on: what stays behind, and how to move."""

from __future__ import annotations

from shipway.domain.plan import Environment, Plan
from shipway.domain.platform import KUBERNETES, SWARM, context_and_namespace, in_cluster
from shipway.domain.value import dataclass

_SHOWN = {"": "on separate hosts", SWARM: "in a Swarm"}


@dataclass(frozen=True)
class Move:
    """why: what a deployment would leave behind. remedy: the commands that move it, with its data."""

    why: str
    remedy: str


def move_of(before: Plan, name: str, now: Environment) -> Move | None:
    """The move that a deployment would be, from the plan of the release that runs there; None: it stays where it is."""
    was = before.environments.get(name)
    if was is None:
        return None
    elsewhere = in_cluster(now.hosts[0].name) and was.hosts != now.hosts
    if was.platform == now.platform and not elsewhere:
        return None
    data = [*_stores(before), *_volumes(before)]
    stays = f"its containers don't move along, nor does its data ({', '.join(data)})"
    why = stays if data else "its containers don't move along"
    return Move(f"{name} runs {_shown(was)}, and would run {_shown(now)}: {why}", _remedy(before, was, now))


def _shown(environment: Environment) -> str:
    if environment.platform != KUBERNETES:
        return _SHOWN.get(environment.platform, environment.platform)
    context, namespace = context_and_namespace(environment.hosts[0].name)
    return f"in namespace {namespace} of {context or 'the current context'} of Kubernetes"


def _stores(plan: Plan) -> list[str]:
    """The accessories that keep data, which `destroy` deletes."""
    return [item.name for item in plan.accessories.values() if item.in_container and item.volume]


def _volumes(plan: Plan) -> list[str]:
    """Those of services, which `destroy` keeps."""
    found = (volume for service in plan.services.values() for volume in service.volumes.values() if not volume.folder)
    return list(dict.fromkeys(f"volume {volume.name}" for volume in found))


def _remedy(plan: Plan, was: Environment, now: Environment) -> str:
    before, after, deploy = list[str](), list[str](), "deploy again"
    dumped = plan.database.accessory if plan.database else None
    copied = [name for name in _stores(plan) if name != dumped]
    if KUBERNETES in (was.platform, now.platform):  # in which there are no backups
        copied = [*_stores(plan), *_volumes(plan)]
    elif dumped in _stores(plan):
        before = [] if was.backups else ["deploy it with `backups:` and the present `platform`"]
        before.append(f"`shipway backup {was.name}`")
        restore = (
            f"`shipway restore {was.name} --backup latest --identity FILE --yes` (FILE: the private key of the backups)"
        )
        after = [f"`shipway maintenance on {was.name}`", restore, f"`shipway maintenance off {was.name}`"]
    elif _volumes(plan):
        deploy += f", with {was.hosts[0].name} as the first host, whose volumes it uses"
    if copied:
        before.append(f"copy out what no backup has ({', '.join(copied)})")
        after.append("copy that in")
    steps = [*before, f"`shipway destroy {was.name} --force` (from then on it answers no request)", deploy, *after]
    return (
        f"to move it: {'; '.join(steps)}. To serve visitors meanwhile, deploy a second environment beside it. Or change "
        "`platform` back"
    )
