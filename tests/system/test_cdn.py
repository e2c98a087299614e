"""A real Varnish in front of the edge: visitors see the new release, whatever fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shipway.domain.errors import CdnError
from tests import varnish
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
EDGE, CACHE, GATE = 8700, 8701, 8702
CADDYFILE = """\
{{
	admin off
}}
:8000 {{
	header Cache-Control "public, max-age=3600"
	respond /healthz 200
	respond "{name}"
}}
"""


class Cached(Tiny):
    """A project whose visitors come through Varnish."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        old, self.app = self.app, self.app.replace("tiny-", "cdn-")
        self.staging, self.production = (url.replace(old, self.app) for url in (self.staging, self.production))
        self.plan["app"] = self.app
        for name, environment in self.plan["environments"].items():
            environment["url"] = getattr(self, name)
        self.plan["environments"]["staging"]["cdn"] = {
            "provider": "varnish", "caches": f"http://127.0.0.1:{GATE}", "token": "CDN_TOKEN",
        }  # fmt: skip

    def change(self, name: str, **more: object) -> str:
        files = {"web/Caddyfile": CADDYFILE.format(name=name), **more.pop("files", {})}  # type: ignore[dict-item]
        return super().change(name, files=files, **more)  # type: ignore[arg-type]

    def visit(self) -> tuple[str, float]:
        """What a visitor gets from the cache, and for how many seconds that was in it."""
        connection = HTTPConnection("127.0.0.1", CACHE, timeout=30)
        connection.request("GET", "/", headers={"Host": urlsplit(self.staging).netloc})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return body, float(answer.getheader("Age") or 0)

    def ticked(self) -> None:
        """Tick until no purge is pending."""
        deadline = time.monotonic() + 180.0
        while any(outcome == "pending" for _, outcome in self.purges()):
            assert time.monotonic() < deadline, self.shipway("status").output
            time.sleep(1.0)
            self.shipway("tick")

    def purges(self) -> list[tuple[str, str]]:
        """Kind of deployment, and outcome of its purge, oldest first."""
        ledger = self.ledger()
        found = ledger.purges(self.app, "staging")[::-1]
        ledger.close()
        return [(item.reason, item.outcome) for item in found]


@contextmanager
def cached() -> Iterator[varnish.Gate]:
    """Varnish for the visitors, and the gate through which Shipway purges it."""
    gate = varnish.Gate(GATE, CACHE)
    try:
        with varnish.varnish(CACHE, EDGE):
            yield gate
    finally:
        gate.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    """Release 1 serves, and was never visited."""
    project = Cached(tmp_path_factory.mktemp("cdn"), port=EDGE)
    project.create()
    project.protect()
    (project.folder / "cdn.env").write_text(f"CDN_TOKEN={varnish.TOKEN}\n")
    project.shipway("secret", "import", "staging", str(project.folder / "cdn.env"))
    project.change("one")
    yield project
    project.destroy()


def test_a_deployment_and_a_rollback_are_seen_through_the_cache(shop: Cached) -> None:
    with cached():
        shop.shipway("run", "staging")
        assert shop.visit()[0] == "one"
        assert shop.visit()[0] == "one"
        shop.change("two")
        done = shop.shipway("run", "staging")
        assert "purged from the CDN: everything; 1 URL asked for: no old copy" in done.output
        assert shop.visit()[0] == "two"
        shop.shipway("rollback", "staging")
        assert shop.visit()[0] == "one"
        assert [outcome for _, outcome in shop.purges()] == ["succeeded"] * 3
        assert varnish.TOKEN not in done.output
        history = shop.shipway("history", "staging").output
        assert history.count("succeeded: everything") == 3


def test_without_the_cdn_the_deployment_succeeds_and_the_purge_follows(shop: Cached) -> None:
    shop.change("three")
    with cached() as gate:
        before = shop.visit()[0]
        with gate.closed():
            done = shop.shipway("run", "staging")
            assert shop.deployments("staging")[0]["outcome"] == "succeeded"
        assert shop.answer() == "three"
        assert "the CDN is not purged yet: Varnish at" in done.output
        assert shop.visit()[0] == before, "nothing has purged it"
        assert "● the CDN is not purged yet" in shop.shipway("status").output
        assert "pending" in shop.shipway("history", "staging").output
        shop.ticked()
        assert shop.visit()[0] == "three"
        assert "CDN" not in shop.shipway("status").output


def test_a_controller_that_dies_between_switch_and_purge(shop: Cached) -> None:
    with cached() as gate:
        before = shop.visit()[0]
        shop.change("four")
        with gate.closed():
            running = shop.start("run", "staging")
            running.until("▸ purge", seconds=120.0)
            running.kill()
        assert shop.answer() == "four"
        assert shop.visit()[0] == before
        shop.ticked()
        assert shop.visit()[0] == "four"
        shop.shipway("doctor", "staging", "--fix")
        assert shop.deployments("staging")[0]["outcome"] == "succeeded"
        assert shop.visit()[0] == "four"


def test_a_person_purges(shop: Cached) -> None:
    with cached():
        shop.visit()
        assert "purged 1 path" in shop.shipway("purge", "staging", "/").output
        assert shop.visit()[1] <= 1.0
        assert "purged everything" in shop.shipway("purge", "staging", "--all", "--app", shop.app).output
        wrong = shop.shipway("purge", "staging", "news", check=False)
        assert (wrong.code, "doesn't begin with /" in wrong.output) == (2, True)
        nothing = shop.shipway("purge", "staging", check=False)
        assert (nothing.code, "no purge is pending" in nothing.output) == (2, True)
    gone = shop.shipway("purge", "staging", "/", "--wait", "1s", check=False)
    assert gone.code == CdnError.exit_code
    assert "can't be reached" in gone.output
    listed = shop.shipway("history", "staging", "--commands").output
    assert "purge" in listed
    assert str(CdnError.exit_code) in listed


class Commanded(Cached):
    """A project whose CDN is purged by a command of its own."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)
        self.plan["environments"]["staging"]["cdn"] = {
            "provider": "command",
            "command": {
                "service": "web", "secrets": "CDN_TOKEN",
                "run": "echo $SHIPWAY_PURGE_KIND of $SHIPWAY_PURGE with $CDN_TOKEN in $(cat name); exit $(cat code)",
            },
        }  # fmt: skip


def test_a_command_purges_from_a_container(tmp_path: Path) -> None:
    project = Commanded(tmp_path / "project", port=CACHE)
    try:
        project.create()
        project.protect()
        (project.folder / "cdn.env").write_text(f"CDN_TOKEN={varnish.TOKEN}\n")
        project.shipway("secret", "import", "staging", str(project.folder / "cdn.env"))
        project.change("one", files={"web/code": "3"})
        done = project.shipway("run", "staging")
        said = f"the purge command exited with 3: all of {project.staging} with"
        assert said in done.output
        assert said in project.shipway("status").output
        assert "in one" in project.shipway("status").output
        project.change("two", files={"web/code": "0"})
        assert "purged from the CDN: everything" in project.shipway("run", "staging").output
        shown = project.shipway("purge", "staging").output
        assert "purged everything" in shown, "what was pending, by the command of the new release"
        assert "CDN" not in project.shipway("status").output
        everything = done.output + shown + project.shipway("history", "staging", "--json").output
        assert varnish.TOKEN not in everything
        assert varnish.TOKEN.encode() not in (project.home / "ledger.db").read_bytes()
        assert project.containers(role="job") == {}
    finally:
        project.destroy()
