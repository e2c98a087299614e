"""What programs get as JSON, from the command line (`--json`) and from the server's API: the values, and their schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shipway.domain.record_schema import class_schema, type_schema

if TYPE_CHECKING:
    from shipway.actions.upkeep.status import EnvironmentStatus
    from shipway.context import Context
    from shipway.domain.purge import Purge
    from shipway.domain.release import Approval, Deployment

Kinds = dict[str, Any]  # schemas of classes, by name
TEXT: Mapping[str, Any] = {"type": "string"}

# Programs read these keys of a status. FIELDS: those that EnvironmentStatus calls otherwise.
KEYS = (
    "current", "latest", "services", "crashing", "edge_down", "away", "former_hosts", "standby", "draining", "strays",
    "accessories", "lease", "versions", "ahead", "accepted", "drill", "proof", "scaled", "purges",
    "secrets", "backups", "certificates", "renewal", "launch", "waiting", "hold", "hotfix",
)  # fmt: skip
FIELDS = {"away": "unreachable", "strays": "orphans", "accepted": "waivers", "drill": "rehearsal"}


# values


def status_data(found: Sequence[EnvironmentStatus]) -> dict[str, Any]:
    """What runs where, by environment."""
    from shipway.domain.record import to_data

    return {
        item.environment.name: {key: to_data(getattr(item, FIELDS.get(key, key))) for key in KEYS} for item in found
    }


def history_data(
    ctx: Context, found: Sequence[Deployment], shown: Callable[[Deployment], Deployment]
) -> list[dict[str, Any]]:  # fmt: skip
    """Deployments with their approvals, proofs and purges. shown: with the present names."""
    from shipway.actions.deployments.waits import hotfix_of
    from shipway.actions.proofs.recorded import newest
    from shipway.domain.record import to_data
    from shipway.domain.release import DEPLOY

    purges, data = purges_of(ctx, found), []
    for item in found:
        release = ctx.ledger.release(item.app, item.release) if item.kind == DEPLOY else None
        data.append({
            **to_data(shown(item)),
            "hotfix": hotfix_of(ctx, item.app, item.environment, item.release) if item.kind == DEPLOY else "",
            "approvals": [approval_data(each) for each in approvals_of(ctx, item)],
            "proof": to_data(newest(ctx, release, item.environment)) if release else None,
            "purges": to_data(purges.get(item.id, [])),
        })  # fmt: skip
    return data


def purges_of(ctx: Context, found: Sequence[Deployment]) -> dict[int, list[Purge]]:
    """Purges of these deployments by id, oldest first."""
    by_deployment: dict[int, list[Purge]] = {}
    for app, name in dict.fromkeys((item.app, item.environment) for item in found):
        for purge in reversed(ctx.ledger.purges(app, name, 2 * len(found))):
            if purge.deployment is not None:
                by_deployment.setdefault(purge.deployment, []).append(purge)
    return by_deployment


def approvals_of(ctx: Context, deployment: Deployment) -> list[Approval]:
    """The approvals that existed when the deployment began."""
    from shipway.domain.release import DESTROY

    if deployment.kind == DESTROY:
        return []
    given = ctx.ledger.approvals(deployment.app, deployment.environment, deployment.release)
    return [item for item in given if item.at <= deployment.started]


def approval_data(approval: Approval) -> dict[str, object]:
    """An approval, with the fingerprint of the key in place of the signature."""
    from shipway.domain.signers import fingerprint
    from shipway.system.ssh_signature import signer

    key = signer(approval.signature) if approval.signature else None
    return {
        "actor": approval.actor, "at": approval.at, "reason": approval.reason, "login": approval.login,
        "signed": bool(approval.signature), "key": fingerprint(key) if key else None, "expires": approval.expires,
    }  # fmt: skip


# schemas


def apps(kinds: Kinds) -> Any:
    """Of all apps."""
    from shipway.actions.projects.apps import AppSummary

    return type_schema(list[AppSummary], kinds)


def status(kinds: Kinds) -> Any:
    """Of `status_data`."""
    from shipway.actions.proofs.recorded import ProofSummary
    from shipway.actions.upkeep.status import EnvironmentStatus
    from shipway.domain.backups import BackupAge
    from shipway.domain.rehearsal import Rehearsal

    late = {"Rehearsal": Rehearsal, "ProofSummary": ProofSummary, "BackupAge": BackupAge}
    whole = class_schema(EnvironmentStatus, kinds, late=late, only=[FIELDS.get(key, key) for key in KEYS])["properties"]
    return by_name(object_of({key: whole[FIELDS.get(key, key)] for key in KEYS}))


def history(kinds: Kinds) -> Any:
    """Of `history_data`."""
    from shipway.actions.proofs.recorded import ProofSummary
    from shipway.domain.purge import Purge
    from shipway.domain.release import Deployment

    more = {"approvals": list_of(approval(kinds)), "proof": type_schema(ProofSummary | None, kinds)}
    more["purges"], more["hotfix"] = type_schema(list[Purge], kinds), dict(TEXT)
    return list_of(object_of({**class_schema(Deployment, kinds)["properties"], **more}))


def approval(kinds: Kinds) -> Any:
    """Of `approval_data`."""
    return object_of({
        "actor": TEXT, "at": {"type": "number"}, "reason": TEXT, "login": TEXT, "signed": {"type": "boolean"},
        "key": or_null(TEXT), "expires": or_null({"type": "number"}),
    })  # fmt: skip


def event(kinds: Kinds) -> Any:
    """Of what an action reported."""
    from shipway.domain.event import Event

    return class_schema(Event, kinds)


def schedules(kinds: Kinds) -> Any:
    """Of the jobs of an environment."""
    from shipway.actions.schedules.overview import Overview

    return type_schema(list[Overview], kinds)


def changeset(kinds: Kinds) -> Any:
    """Of what a deployment or a rollback would change."""
    change = dict.fromkeys(("host", "verb", "kind", "name", "cause"), TEXT) | {"dangerous": {"type": "boolean"}}
    return object_of({"title": TEXT, "changes": list_of(object_of(change)), "rules": list_of(TEXT)})


def object_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that has these keys."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def list_of(items: Any) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": items}


def by_name(items: Any) -> dict[str, Any]:
    """An object with any keys."""
    return {"type": "object", "additionalProperties": items}


def or_null(found: Any) -> dict[str, Any]:
    """It, or null."""
    return {"anyOf": [found, {"type": "null"}]}
