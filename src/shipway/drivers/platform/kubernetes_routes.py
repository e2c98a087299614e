"""Whether a Gateway leads the requests of an HTTPRoute, by the status that the Gateway's controller writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Event
from time import monotonic
from typing import Any

from shipway.domain.errors import ClusterError
from shipway.domain.value import dataclass
from shipway.drivers.platform.kubernetes_addresses import GATEWAY, GROUP, ROUTE, parent_of
from shipway.drivers.platform.kubernetes_api import KubernetesApi

Object = Mapping[str, Any]
ANSWER = 30.0  # seconds that a controller has
LOOK = 0.1  # seconds between looks
PASSING = {"Pending", "BackendNotFound"}  # reasons that end by themselves: the controller hasn't seen all of it yet
REMEDIES = {
    "NotAllowedByListeners": "a listener of the Gateway must allow routes of this namespace: its `allowedRoutes`",
    "NoMatchingListenerHostname": "a listener of the Gateway must have these host names, or none of its own",
    "NoMatchingParent": "the Gateway needs a listener for HTTP or HTTPS",
}


@dataclass(frozen=True)
class Refusal:
    """final: waiting doesn't help."""

    reason: str
    message: str
    final: bool

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason


def require_gateway_api(gateway: str | None, has: bool) -> None:
    """ClusterError if the environment is led by a Gateway, and the cluster knows none."""
    if gateway and not has:
        raise ClusterError(
            f"`gateway: {gateway}` needs the Gateway API, and this cluster has no {ROUTE} of {GATEWAY}",
            hint="an administrator installs the custom resources of the Gateway API 1.0 or newer (standard channel), a controller, "
            "and the Gateway; or remove `gateway` from the plan, for an Ingress",
        )


def until_accepted(api: KubernetesApi, item: Object, gateway: str) -> None:
    """Wait until requests go where the route says. ClusterError with the controller's reason if they don't."""
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    deadline = monotonic() + ANSWER
    while True:
        found = api.get(GATEWAY, ROUTE, namespace, name) or {}
        answers = [*_answers(found, gateway)]
        refusals = [each for each in answers if each is not None]
        if answers and not refusals:
            return
        late = monotonic() >= deadline
        if refused := next((each for each in refusals if each.final or late), None):
            hosts = ", ".join(item["spec"]["hostnames"])
            shown = f"`kubectl -n {namespace} describe httproute {name}` shows what its controller says"
            raise ClusterError(
                f"{ROUTE} {name} ({hosts}): Gateway {gateway} doesn't lead its requests: {refused}",
                hint=REMEDIES.get(refused.reason, shown),
            )
        if late:
            where = parent_of(gateway).get("namespace", namespace)
            raise ClusterError(
                f"{ROUTE} {name}: no controller has answered for Gateway {gateway} within {ANSWER:g} s",
                hint=f"is it there? `kubectl -n {where} get gateway {gateway.rpartition('/')[2]}`",
            )
        Event().wait(LOOK)


def _answers(route: Object, gateway: str) -> Iterator[Refusal | None]:
    """Of each controller of the Gateway to this state of the route; None: it leads its requests."""
    parent = parent_of(gateway)
    own = route.get("metadata", {}).get("namespace", "")
    wanted = (parent.get("namespace", own), parent["name"])
    for item in route.get("status", {}).get("parents") or []:
        ref = item.get("parentRef") or {}
        usual = ref.get("group", GROUP) == GROUP and ref.get("kind", "Gateway") == "Gateway"
        if usual and (ref.get("namespace", own), ref.get("name")) == wanted:
            generation = route["metadata"].get("generation", 0)
            conditions = {
                each["type"]: each
                for each in item.get("conditions") or []
                if each.get("observedGeneration", generation) >= generation
            }
            if "Accepted" in conditions:  # otherwise it is the answer to an older state
                yield _refusal(conditions)


def _refusal(conditions: Mapping[str, Object]) -> Refusal | None:
    for kind, wrong in (("Accepted", "False"), ("ResolvedRefs", "False"), ("PartiallyInvalid", "True")):
        found = conditions.get(kind) or {}
        unknown = kind == "Accepted" and found.get("status") == "Unknown"
        if found.get("status") == wrong or unknown:
            reason = str(found.get("reason", kind))
            return Refusal(reason, str(found.get("message", "")), reason not in PASSING and not unknown)
    return None
