"""What is compared of two releases, and of a cache and the service behind it, in memory."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from email.utils import formatdate
from pathlib import Path

import pytest

from shipway.actions.cdn import sides
from shipway.domain.cdn import Answered
from shipway.domain.release import SUCCEEDED
from shipway.system.probe import Probe
from shipway.testing.memory import Behaviour, MemoryCdn
from tests.unit.actions.cdn.purges import ORIGIN, purges, put
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    made.cdn = MemoryCdn()
    made.runtime.behave("*_check_*", Behaviour(exit_code=0))
    made.secrets(made.ledger).set("shop/staging", "CDN_TOKEN", "the-token-of-the-cdn")
    return made


def archive(target: str, kind: bytes, content: bytes = b"one") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        first = tarfile.TarInfo("assets/app.1.js")
        first.size = len(content)
        tar.addfile(first, io.BytesIO(content))
        link = tarfile.TarInfo("assets/app.js")
        link.type, link.linkname = kind, target
        tar.addfile(link)
    return file.getvalue()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_where_a_link_leads_is_compared(world: World, monkeypatch: pytest.MonkeyPatch, kind: bytes) -> None:
    release = world.release(1)
    world.have(release.images["frontend"])
    service = dataclasses.replace(release.plan.services["frontend"], assets="/srv/assets")
    found = []
    folder = "" if kind == tarfile.SYMTYPE else "assets/"
    for target, content in (("app.1.js", b"one"), ("app.2.js", b"one"), ("app.1.js", b"two")):
        tar = archive(folder + target, kind, content)
        monkeypatch.setattr(world.runtime, "get", lambda *given, tar=tar: iter([tar]))
        files = sides._files(world.controller(), release, "staging", service)
        assert set(files or ()) == {"app.1.js", "app.js"}
        found.append((files or {})["app.js"])
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["etag"], "pending"),  # the same for each request
        (["etag", "each"], SUCCEEDED),
        (["last-modified"], "pending"),
        (["last-modified", "now"], SUCCEEDED),
    ],
)
def test_a_page_that_differs_each_time_is_no_old_copy(world: World, headers: list[str], expected: str) -> None:
    count = 0

    def probe(*given: object) -> Probe:
        nonlocal count
        count += 1
        value = f'"{count if "each" in headers else 0}"'
        if headers[0] == "last-modified":
            value = formatdate(world.now if "now" in headers else world.now // 500 * 500 - 900, usegmt=True)
        return Probe(True, 200, "200", {headers[0]: value})

    world.runtime.probe = probe  # type: ignore[method-assign, assignment]
    assert world.cdn is not None
    world.cdn.answers[f"{ORIGIN}/a"] = Answered(200, 0.0, "of-the-cache")
    put(world, 1)
    assert purges(world)[-1].outcome == expected, purges(world)[-1]
