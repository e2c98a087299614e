"""What an environment leaves behind where its platform changes, and how it moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.domain.backups import Backups
from shipway.domain.mounts import Volume
from shipway.domain.moving import move_of
from shipway.domain.plan import Accessory, Host, Plan
from shipway.domain.platform import KUBERNETES, SWARM, ClusterSettings, cluster_host
from tests.unit.domain.samples import PLAN, STAGING

HOSTS = replace(STAGING, hosts=(Host("ssh://one"), Host("ssh://two")))
ON_SWARM = replace(HOSTS, platform=SWARM)
IN_CLUSTER = replace(STAGING, platform=KUBERNETES, hosts=(Host(cluster_host("shop", "staging", ClusterSettings())),))
UPLOADS = {"/uploads": Volume("uploads", "/uploads")}


def plan(*, database: bool = True, volumes: bool = False, queue: bool = False) -> Plan:
    """Of the shop, with what keeps data."""
    stores = dict(PLAN.accessories) if database else {}
    stores |= {"queue": Accessory("queue", "redis:7", "redis", "QUEUE_URL", volume="/data")} if queue else {}
    web = replace(PLAN.services["backend"], volumes=UPLOADS if volumes else {})
    return replace(
        PLAN, accessories=stores, database=PLAN.database if database else None, services={"backend": web},
        environments={"staging": HOSTS},
    )  # fmt: skip


RESTORE = (
    "`shipway maintenance on staging`; `shipway restore staging --backup latest --identity FILE --yes` (FILE: the private key of "
    "the backups); `shipway maintenance off staging`"
)
DESTROY = "`shipway destroy staging --force` (from then on it answers no request); deploy again"


@pytest.mark.parametrize(
    ("before", "data", "way"),
    [
        (plan(database=False), "", f"to move it: {DESTROY}."),
        (plan(), ", nor does its data (db)", "to move it: deploy it with `backups:` and the present `platform`; "
         f"`shipway backup staging`; {DESTROY}; {RESTORE}."),
        (plan(volumes=True, queue=True), ", nor does its data (db, queue, volume uploads)",
         f"`shipway backup staging`; copy out what no backup has (queue); {DESTROY}; {RESTORE}; copy that in."),
        (plan(database=False, volumes=True), ", nor does its data (volume uploads)",
         f"to move it: {DESTROY}, with ssh://one as the first host, whose volumes it uses."),
    ],
)  # fmt: skip
def test_it_says_what_stays_behind_and_how_to_move(before: Plan, data: str, way: str) -> None:
    found = move_of(before, "staging", ON_SWARM)
    assert found is not None
    what = f"staging runs on separate hosts, and would run in a Swarm: its containers don't move along{data}"
    assert found.why == what
    assert way in found.remedy


def test_an_external_database_does_not_move_and_is_not_restored() -> None:
    outside = replace(PLAN.accessories["db"], volume=None, external="DATABASE_URL")
    found = move_of(replace(plan(volumes=True), accessories={"db": outside}), "staging", ON_SWARM)
    assert found is not None
    assert "shipway restore" not in found.remedy
    assert "with ssh://one as the first host" in found.remedy


def test_backups_that_are_there_need_no_deployment_before() -> None:
    kept = replace(plan(), environments={"staging": replace(HOSTS, backups=Backups("/backups", ("age1",)))})
    found = move_of(kept, "staging", ON_SWARM)
    assert found is not None
    assert found.remedy.startswith("to move it: `shipway backup staging`; ")


def test_no_backup_goes_into_a_cluster() -> None:
    found = move_of(plan(volumes=True), "staging", IN_CLUSTER)
    assert found is not None
    assert "would run in namespace shop-staging of the current context of Kubernetes" in found.why
    assert f"copy out what no backup has (db, volume uploads); {DESTROY}; copy that in." in found.remedy
    assert "shipway backup" not in found.remedy


def test_another_namespace_is_another_place() -> None:
    other = ClusterSettings(namespace="elsewhere")
    there = replace(IN_CLUSTER, cluster=other, hosts=(Host(cluster_host("shop", "staging", other)),))
    found = move_of(replace(plan(), environments={"staging": IN_CLUSTER}), "staging", there)
    assert found is not None
    assert found.why.startswith("staging runs in namespace shop-staging of the current context")


def test_where_the_platform_stays_nothing_moves() -> None:
    assert move_of(plan(), "staging", replace(HOSTS, hosts=HOSTS.hosts[:1])) is None
    assert move_of(plan(), "production", ON_SWARM) is None
