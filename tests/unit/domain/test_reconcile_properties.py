"""For any environment that may be found: what `reconcile` decides leads to what is wanted, and then to nothing."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.change import Changeset
from shipway.domain.names import rotation_network
from shipway.domain.observed import DesiredState, Observed
from shipway.domain.reconcile import reconcile
from tests.unit.domain.samples import STAGING, running, wanted

WARM = dataclasses.replace(STAGING, standby=60.0)
ROTATION = rotation_network("shop", "staging")
RELEASES = [wanted(number, environment) for number in (1, 2, 3) for environment in (STAGING, WARM)]
STATES = st.sampled_from(["running", "exited", "created", "restarting", "dead"])


@st.composite
def environments(draw: st.DrawFn) -> Observed:
    """Any of the containers of some releases, in any state, and the table of one of them or none."""
    specs = {spec.name: spec for of in RELEASES for spec in of.services}
    chosen = draw(st.sets(st.sampled_from(sorted(specs))))
    services = [
        dataclasses.replace(
            running(specs[name], draw(STATES)), addresses={ROTATION: "10.0.0.2"} if draw(st.booleans()) else {}
        )
        for name in sorted(chosen)
    ]
    accessories = [running(spec, draw(STATES)) for spec in RELEASES[0].accessories if draw(st.booleans())]
    table = draw(st.sampled_from([None, *(of.routes for of in RELEASES)]))
    return Observed(tuple(services), tuple(accessories), table)


def applied(changes: Changeset, found: Observed, to: DesiredState) -> Observed:
    """What is there when all of it was done."""
    services = {item.name: item for item in found.services}
    accessories = {item.name: item for item in found.accessories}
    table = found.routes
    for change in changes.changes:
        into = accessories if change.kind == "accessory" else services
        if change.verb in ("create", "start", "replace") and change.spec:
            into[change.name] = running(change.spec)
        elif change.verb == "remove" and change.kind == "container":
            del services[change.name]
        elif change.verb == "stop":
            services[change.name] = dataclasses.replace(services[change.name], state="exited", addresses={})
        elif change.kind == "route":
            table = to.routes
    return Observed(tuple(services.values()), tuple(accessories.values()), table)


@given(environments(), st.sampled_from(RELEASES), st.sampled_from([None, 1, 2, 3]))
def test_applied_it_is_what_is_wanted_and_nothing_is_left_to_do(
    found: Observed, to: DesiredState, keep: int | None
) -> None:
    to = dataclasses.replace(to, keep=keep if keep != to.release else None)
    after = applied(reconcile(to, found), found, to)
    assert {spec.name for spec in to.services} <= {item.name for item in after.services if item.running}
    assert after.routes == to.routes
    assert not [change for change in reconcile(to, after).changes if change.verb != "drain"]


@given(environments(), st.sampled_from(RELEASES))
def test_what_serves_is_never_stopped_before_the_switch(found: Observed, to: DesiredState) -> None:
    verbs = [(change.kind, change.verb) for change in reconcile(to, found).changes]
    gone = [index for index, (kind, verb) in enumerate(verbs) if kind == "container" and verb in ("stop", "remove")]
    if ("route", "switch") in verbs and gone:
        assert verbs.index(("route", "switch")) < min(gone)


@given(environments(), st.sampled_from(RELEASES), st.sampled_from([1, 2, 3]))
def test_what_a_rollback_needs_is_kept(found: Observed, to: DesiredState, keep: int) -> None:
    to = dataclasses.replace(to, keep=keep)
    gone = {change.name for change in reconcile(to, found).of("container", "remove")}
    assert not gone & {item.name for item in found.services if item.labels["shipway.release"] == str(keep)}


@given(environments(), st.sampled_from(RELEASES))
def test_it_is_deterministic(found: Observed, to: DesiredState) -> None:
    shuffled = dataclasses.replace(found, services=tuple(reversed(found.services)))
    assert reconcile(to, found).render() == reconcile(to, shuffled).render()
