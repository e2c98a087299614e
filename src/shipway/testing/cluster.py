"""The conformance suite of clusters. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any, Protocol

import pytest

from shipway.domain.cluster import ClusterState
from shipway.domain.errors import ClusterError, DeployFailed, Interrupted
from shipway.domain.plan import Health, Resources
from shipway.domain.routing import Routing
from shipway.domain.workload import AddressSpec, CommandSpec, EnvironmentSpec, SecretRef, Value, WorkloadSpec
from shipway.ports import Cluster

TOKEN = SecretRef("TOKEN", 2)
VALUES = {TOKEN: "the value of a secret"}
PATIENT = 90.0  # seconds of a busy machine
SHORT = 12.0


class Lab(Protocol):
    """image: has a shell, and `respond` of it answers each request at port 8000 with $TEXT."""

    image: str
    missing: str  # an image that no registry has
    respond: str

    def answer(self, service: str) -> str | None:
        """What a request to the address of a service gets; None: nothing leads there."""

    def troubled(self, release: int, text: str) -> None:
        """For clusters that don't find it."""

    def obstruct(self, service: str) -> None:
        """Somebody else sets where the address leads."""


def workload(
    lab: Lab, service: str, release: int, *, web: bool = True, changed: Mapping[str, Any] | None = None
) -> WorkloadSpec:  # fmt: skip
    """A service of a release. changed: other values of its fields."""
    variables: dict[str, Value] = {"TEXT": (f"{service} of {release}",), "TOKEN": (TOKEN,)}
    made = WorkloadSpec(
        service, lab.image, release, 1, variables, ("sh", "-c", lab.respond if web else "sleep 1000"), (),
        8000 if web else None, Health(path="/", timeout=PATIENT) if web else None, stop=1.0,
    )  # fmt: skip
    return dataclasses.replace(made, **(changed or {}))


def ready(found: ClusterState, release: int) -> bool:
    """Whether all of it is ready, so that it serves as soon as the addresses lead to it."""
    own = [item for item in found.standing if item.release == release]
    return bool(own) and all(item.replicas and item.ready >= item.replicas for item in own)


def spec(release: int, *workloads: WorkloadSpec) -> EnvironmentSpec:
    """A release of these services."""
    addresses = [
        AddressSpec(item.service, 8000, ("shop.example.com",), f"/{item.service}", Routing())
        for item in workloads
        if item.port
    ]
    return EnvironmentSpec(
        "shop", "staging", release, "0" * 40, f"r{release}", "http", (), workloads, tuple(addresses), (), (), (TOKEN,)
    )


def shop(lab: Lab, release: int) -> EnvironmentSpec:
    """Two services with addresses and a worker."""
    return spec(
        release,
        workload(lab, "web", release),
        workload(lab, "api", release),
        workload(lab, "worker", release, web=False),
    )


def up(cluster: Cluster, wanted: EnvironmentSpec) -> None:
    """It stands, and has the requests."""
    cluster.prepare(wanted, VALUES)
    cluster.start(wanted)
    cluster.healthy(wanted, PATIENT, threading.Event())
    cluster.switch(wanted)


def settled(lab: Lab, service: str, text: str) -> bool:
    """Whether requests get this answer, once all of the cluster has heard of it."""
    deadline = monotonic() + PATIENT
    while lab.answer(service) != text:
        if monotonic() > deadline:
            return False
        sleep(0.1)
    return True


class ClusterSuite:
    """Fixtures: `cluster`, in which nothing is, and its `lab`."""

    def test_releases_stand_side_by_side_and_one_serves(self, cluster: Cluster, lab: Lab) -> None:
        assert cluster.observe().releases == ()
        first, second = shop(lab, 1), shop(lab, 2)
        up(cluster, first)
        assert cluster.observe().serves(1)
        assert settled(lab, "web", "web of 1")
        cluster.prepare(second, VALUES)
        cluster.start(second)
        cluster.healthy(second, PATIENT, threading.Event())
        both = cluster.observe()
        assert both.releases == (2, 1)
        assert both.serves(1)
        assert ready(both, 2)
        assert settled(lab, "api", "api of 1")
        cluster.switch(second)
        assert cluster.observe().serves(2)
        assert settled(lab, "web", "web of 2")
        assert settled(lab, "api", "api of 2")
        cluster.rest(1, web=True)
        resting = {(item.service, item.release): item.replicas for item in cluster.observe().standing}
        assert resting["web", 1] == 1
        assert resting["worker", 1] == 0
        cluster.switch(first)
        assert settled(lab, "web", "web of 1")
        cluster.start(first)
        cluster.healthy(first, PATIENT, threading.Event())
        assert ready(cluster.observe(), 1)
        with pytest.raises(ClusterError, match="can't rest"):
            cluster.rest(1, web=False)
        with pytest.raises(ClusterError, match="can't be removed"):
            cluster.remove(1)
        cluster.remove(2)
        cluster.remove(2)
        assert cluster.observe().releases == (1,)
        assert settled(lab, "api", "api of 1")
        cluster.destroy()
        assert cluster.observe().releases == ()
        assert cluster.observe().serving == {}
        assert lab.answer("web") is None

    def test_services_that_a_release_no_longer_has_lead_nowhere(self, cluster: Cluster, lab: Lab) -> None:
        up(cluster, shop(lab, 1))
        up(cluster, spec(2, workload(lab, "web", 2)))
        assert cluster.observe().serving == {"web": 2}
        assert lab.answer("api") is None
        cluster.remove(1)
        assert {item.service for item in cluster.observe().standing} == {"web"}

    def test_all_addresses_lead_to_a_release_or_none(self, cluster: Cluster, lab: Lab) -> None:
        up(cluster, shop(lab, 1))
        lab.obstruct("web")
        second = shop(lab, 2)
        cluster.prepare(second, VALUES)
        cluster.start(second)
        cluster.healthy(second, PATIENT, threading.Event())
        with pytest.raises(ClusterError, match=r"web.*others have set") as caught:
            cluster.switch(second)
        assert caught.value.conflict
        assert cluster.observe().serves(1)
        cluster.switch(second, force=True)
        assert cluster.observe().serves(2)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"image": "missing"}, "can't be pulled"),
            ({"command": ("sh", "-c", "echo before the end; exit 7")}, r"(?s)ends with code 7.*before the end"),
            ({"resources": Resources(memory=1 << 50)}, "no node has a place"),
            ({"command": ("sh", "-c", "echo I wait; sleep 1000")}, r"(?s)health check doesn't succeed.*I wait"),
        ],
    )
    def test_a_release_that_is_not_healthy_says_why(
        self, cluster: Cluster, lab: Lab, more: dict[str, Any], said: str
    ) -> None:
        if more.get("image"):
            more = {"image": lab.missing}
        lab.troubled(3, said.removeprefix("(?s)").replace(".*", " "))
        wanted = spec(3, workload(lab, "web", 3, changed=more))
        cluster.prepare(wanted, VALUES)
        cluster.start(wanted)
        with pytest.raises(DeployFailed, match=said):
            cluster.healthy(wanted, PATIENT if "code 7" in said or "pulled" in said else SHORT, threading.Event())
        assert not ready(cluster.observe(), 3)

    def test_a_wait_ends_when_it_is_cancelled(self, cluster: Cluster, lab: Lab) -> None:
        wanted = spec(1, workload(lab, "web", 1, changed={"command": ("sh", "-c", "sleep 1000")}))
        cluster.prepare(wanted, VALUES)
        cluster.start(wanted)
        cancelled = threading.Event()
        cancelled.set()
        with pytest.raises(Interrupted):
            cluster.healthy(wanted, PATIENT, cancelled)

    def test_a_job_tells_its_lines_and_its_exit_code(self, cluster: Cluster, lab: Lab) -> None:
        wanted = shop(lab, 1)
        cluster.prepare(wanted, VALUES)
        task = CommandSpec("task", wanted.workloads[0], "echo first; echo $TOKEN; echo $TEXT; exit 3")
        lines: list[str] = []
        assert cluster.run_job(wanted, task, "task-1", lines.append, threading.Event()) == 3
        assert lines == ["first", VALUES[TOKEN], "web of 1"]
        again: list[str] = []
        assert cluster.run_job(wanted, task, "task-1", again.append, threading.Event()) == 3
        assert again == lines
        assert cluster.observe().jobs == ("task-1",)
        cluster.remove_job("task-1")
        cluster.remove_job("task-1")
        assert (
            cluster.run_job(
                wanted, CommandSpec("task", wanted.workloads[0], "echo ok"), "task-2", again.append, threading.Event()
            )
            == 0
        )

    def test_a_job_that_can_not_start_says_why(self, cluster: Cluster, lab: Lab) -> None:
        lab.troubled(4, "can't be pulled")
        wanted = spec(4, workload(lab, "web", 4, changed={"image": lab.missing}))
        cluster.prepare(wanted, VALUES)
        task = CommandSpec("task", wanted.workloads[0], "echo never")
        with pytest.raises(DeployFailed, match=r"can't start.*can't be pulled"):
            cluster.run_job(wanted, task, "task-3", print, threading.Event())
        assert cluster.observe().jobs == ()
