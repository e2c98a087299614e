"""External services: accessories that run elsewhere."""

from __future__ import annotations

from shipway.domain.commands import commands_of
from shipway.domain.plan import Accessory, Plan
from shipway.drivers.accessories import KINDS
from shipway.planfile.report import Path, Report

# What only a server that Shipway runs itself has.
_OWN = ("provides", "volume", "health", "environment", "secrets", "entrypoint", "command", "published")


def external(accessory: Accessory, plan: Plan, report: Report) -> None:
    """All rules of an external service."""
    at: Path = ("accessories", accessory.name)
    for key in _OWN:
        if report.written((*at, key)):
            report.error((*at, key), *_refused(key, accessory))
    if not (report.written((*at, "kind")) or report.written((*at, "image"))):
        report.error(at, "`kind` is missing: the address alone doesn't show what runs there", "`kind: postgres`")
    elif KINDS[accessory.kind].password and not accessory.image and not report.failed((*at, "version")):
        report.error(
            at,
            f"`version` is missing: the programs and the scratch server of its proofs must fit the {accessory.kind} server",
            "`version:` of the server, such as 15; or `image:` with the same server and its extensions",
        )
    if accessory.kind == "other":
        _stand_in(at, report)
    elif report.written((*at, "url")):
        report.error((*at, "url"), f"the format of the address of {accessory.kind} is known", "no `url`")
    _address_once(accessory, plan, report)


def _refused(key: str, accessory: Accessory) -> tuple[str, str]:
    if key == "provides":
        return (
            f"the variable of an external service has the name of its secret, `{accessory.external}`",
            "no `provides`",
        )
    return "is of a container, and Shipway starts none for an external service", f"no `{key}`"


def _stand_in(at: Path, report: Report) -> None:
    """Proofs and steps start a container in its place: of a known kind, or as these keys describe it."""
    keys = [key for key in ("image", "url", "port") if report.written((*at, key))]
    if keys and len(keys) < 3:
        report.error(
            at,
            "proofs and steps can only start a server of its kind with all of `image`, `url` and `port`",
            "all three; or none of them, then proofs get the secret that is set for `prove`",
        )


def _address_once(accessory: Accessory, plan: Plan, report: Report) -> None:
    """Every service gets the address; naming the secret again would put the real one into proofs."""
    name, why = (
        accessory.external,
        f"is the address of the external service `{accessory.name}`, which every service gets",
    )
    for service in plan.services.values():
        if name in service.secrets:
            report.error(("services", service.name, "secrets"), f"`{name}` {why}", f"`secrets` without `{name}`")
    for environment in plan.environments.values():
        used = [
            *environment.secrets,
            *(item for command in commands_of(environment).values() for item in command.secrets),
        ]
        if name in used:
            at = ("environments", environment.name)
            report.error(at, f"`{name}` {why}", f"`secrets` without `{name}`")
    for other in plan.accessories.values():
        if name in other.secrets:
            report.error(("accessories", other.name, "secrets"), f"`{name}` {why}", f"`secrets` without `{name}`")
