"""A deployment whose process sleeps until its lease is lost: another command takes over, and what wakes up changes nothing."""

from __future__ import annotations

import pytest

from shipway.domain.errors import LeaseHeld
from tests.system.conftest import Make
from tests.system.tiny import Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.full, pytest.mark.timeout(900)]

DOCKERFILE = """\
FROM caddy:2
WORKDIR /app
COPY . .
CMD ["sh", "-c", "sleep 2; exec caddy run --config Caddyfile --adapter caddyfile"]
"""


@pytest.fixture(scope="module")
def site(make: Make) -> Tiny:
    """Release 1 serves; a release takes some time to start and to check."""
    project = make(database=True)
    project.plan["services"]["web"]["health"]["timeout"] = "30s"
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo looking; sleep 2"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("one", files={"web/Dockerfile": DOCKERFILE})
    project.shipway("run", "staging")
    return project


@pytest.mark.parametrize(("moment", "taken"), [("▸ start", "roll back deploy"), ("│ looking", "finish deploy")])
def test_who_wakes_up_too_late_changes_nothing(site: Tiny, moment: str, taken: str) -> None:
    names = [site.answer(), f"late {taken}", f"next {taken}"]
    site.change(names[1])
    with visitors(site) as answers:
        sleeping = site.start("run", "staging")
        sleeping.until(moment)
        sleeping.pause()
        site.change(names[2])
        done = site.shipway("run", "staging")  # it waits for the lease of a process that seems to live
        assert "waiting: " in done.output
        assert taken in done.output
        before = (site.footprint(), site.deployments())
        sleeping.resume()
        woken = sleeping.end()
    assert woken.code == LeaseHeld.exit_code, woken.output
    assert "was lost" in woken.output
    assert "Traceback" not in woken.output
    assert (site.footprint(), site.deployments()) == before
    assert site.answer() == names[2]
    assert set(answers) <= set(names), "no request may be lost"
    assert site.shipway("doctor", "staging").code == 0
    assert "nothing to do" in site.shipway("deploy", "staging", "staging").output
