"""The Docker Engine itself is restarted, in good order or by SIGKILL: what served serves again, and the next command
finishes or takes back what was begun."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from shipway.domain.errors import EngineError
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost
from tests.conformance.small_engine import WHY_NOT, SmallEngine, possible
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300), pytest.mark.skipif(not possible(), reason=WHY_NOT)]

SIGNALS = [signal.SIGTERM, signal.SIGKILL]
DOCKERFILE = """\
FROM caddy:2
WORKDIR /app
COPY . .
CMD ["sh", "-c", "sleep 1; exec caddy run --config Caddyfile --adapter caddyfile"]
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[SmallEngine]:
    """A second engine beside the usual one."""
    made = SmallEngine(1500)
    try:
        for image in ("caddy:2", "traefik:v3"):
            made.load(image)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def site(engine: SmallEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    """Release 2 serves there with two replicas and a worker, release 1 stands by."""
    lab = DockerLab()
    registry, port = RegistryHost(lab).address, lab.port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.engine.address)
        project = Tiny(tmp_path_factory.mktemp("tiny"), port=port)
        project.create()
        project.plan["registry"] = {"address": registry}
        project.plan["services"]["web"] |= {"replicas": 2, "drain": "1s", "health": {"path": "/healthz", "timeout": "20s"}}
        project.plan["services"]["worker"] = {"build": "web", "command": "sleep 3600", "drain": "1s"}
        project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo looking; sleep 3"}}
        project.plan["environments"]["staging"] |= {"standby": "1h", "checks": ["smoke"]}
        for name in ("one", "two"):
            project.change(name, files={"web/Dockerfile": DOCKERFILE})
            project.shipway("run", "staging")
        yield project
        project.destroy()
    lab.close()


def serves(site: Tiny, *names: str) -> None:
    """Wait until it answers with one of these."""
    deadline = time.monotonic() + 60
    while (answer := site.answer()) not in names:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


def test_in_good_order_while_an_environment_serves(engine: SmallEngine, site: Tiny) -> None:
    before = site.footprint()
    engine.stop()
    down = site.shipway("status", check=False)
    assert down.code == EngineError.exit_code, down.output
    engine.start()
    serves(site, "two")  # by itself
    assert site.footprint() == before
    assert site.shipway("doctor", "staging").code == 0


def test_by_sigkill_while_an_environment_serves(engine: SmallEngine, site: Tiny) -> None:
    """Some engines (Docker 20.10) then end what they find running, and don't start it again."""
    before = site.containers(role="service")
    engine.stop(signal.SIGKILL)
    engine.start()
    site.shipway("doctor", "staging", "--fix", "--wait", "30")
    serves(site, "two")
    assert set(site.containers(role="service")) == set(before)
    assert site.shipway("doctor", "staging").code == 0


@pytest.mark.parametrize("number", SIGNALS, ids=lambda item: item.name)
@pytest.mark.parametrize("moment", ["▸ start", "│ looking"])
def test_in_the_middle_of_a_deployment(engine: SmallEngine, site: Tiny, number: signal.Signals, moment: str) -> None:
    old, new = site.answer(), f"{moment[2:]} {number.name}"
    site.change(new)
    running = site.start("run", "staging")
    running.until(moment)
    engine.stop(number)
    done = running.end(seconds=120)
    assert done.code == EngineError.exit_code, done.output
    assert "Traceback" not in done.output
    assert "the next command finishes it or takes it back" in done.output
    engine.start()
    then = site.shipway("retire", "staging", "--wait", "30", check=False)  # its own caretaker may be at it
    assert then.code == 0, then.output
    last = site.deployments("staging")[0]
    assert last["outcome"] in ("succeeded", "failed"), "it is finished or taken back"
    serves(site, new if last["outcome"] == "succeeded" else old)
    assert site.shipway("doctor", "staging").code == 0
    assert site.containers(role="job") == {}
    assert site.leases() == []
    site.shipway("run", "staging")
    assert site.answer() == new
