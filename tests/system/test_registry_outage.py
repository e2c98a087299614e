"""The registry stops answering in the middle: it has gone, or it takes connections and says nothing. The old release
serves, nothing is left, and the same command succeeds when the registry is back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.domain.errors import RegistryError
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost
from tests.system.conftest import Make
from tests.system.tiny import DOCKERFILE, Tiny, visitors

Outage = Callable[[DockerLab], Callable[[], None]]  # gives what ends it

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(make: Make, lab: DockerLab) -> Tiny:
    """Release 1 serves. Its images are in a registry of its own."""
    project = make()
    project.plan["registry"] = {"address": RegistryHost(lab).address}
    project.protect()
    project.change("one")
    project.shipway("run", "staging")
    return project


def gone(lab: DockerLab) -> Callable[[], None]:
    """Nobody listens."""
    lab.runtime.stop(lab.name("registry"), 2)
    return lambda: lab.runtime.start(lab.name("registry"))


def silent(lab: DockerLab) -> Callable[[], None]:
    """It takes connections, and hangs."""
    lab.engine.call("POST", f"/containers/{lab.name('registry')}/pause")
    return lambda: lab.engine.call("POST", f"/containers/{lab.name('registry')}/unpause")


OUTAGES = [gone, pytest.param(silent, marks=pytest.mark.full)]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda item: item.__name__)
def test_between_the_build_and_the_push(site: Tiny, lab: DockerLab, outage: Outage) -> None:
    before, old, new = site.footprint(), site.answer(), f"{outage.__name__}, and back"
    building = f"building {new} for {site.app}"
    site.change(new, files={"web/Dockerfile": f"{DOCKERFILE}RUN echo {building}; sleep 3\n"})
    with visitors(site) as answers:
        running = site.start("run", "staging")
        running.until(building)
        back = outage(lab)
        done = running.end(seconds=90)
    back()
    assert done.code == RegistryError.exit_code, done.output
    assert f"hint: check that {site.plan['registry']['address']} is running and reachable" in done.output
    assert site.footprint() == before
    assert set(answers) == {old}
    site.shipway("run", "staging")
    assert site.answer() == new


def test_before_a_pull(site: Tiny, lab: DockerLab) -> None:
    for name in ("two", "three"):  # so that the first one's containers are gone
        site.change(name)
        site.shipway("run", "staging")
    lab.engine.call("DELETE", f"/images/{image_of(site, 1)}", query={"force": 1})
    before = site.footprint()
    back = gone(lab)
    with visitors(site) as answers:
        done = site.start("rollback", "staging", "--to", "1").end(seconds=90)
    back()
    assert done.code == RegistryError.exit_code, done.output
    assert f"hint: check that {site.plan['registry']['address']} is running and reachable" in done.output
    assert site.footprint() == before
    assert set(answers) == {"three"}
    site.shipway("rollback", "staging", "--to", "1")
    assert site.answer() == "one"


def test_once_the_image_is_pushed_nobody_needs_it(site: Tiny, lab: DockerLab) -> None:
    site.plan["pipeline"] = {
        "images": {"build": "all"},
        "slow": {"image": "caddy:2", "run": "echo built; sleep 2", "needs": ["images"]},
    }
    site.change("slowly")
    running = site.start("run", "staging")
    running.until("│ built")
    back = gone(lab)
    done = running.end()
    back()
    assert done.code == 0, done.output
    assert site.answer() == "slowly"


def image_of(project: Tiny, number: int) -> str:
    ledger = project.ledger()
    release = ledger.release(project.app, number)
    ledger.close()
    assert release is not None
    return release.images["web"]
