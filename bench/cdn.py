"""The duration of a purge of 10,000 paths, beside the bare requests in the same run: a real Varnish, and a stand-in of an API
that takes a hundred paths at a time."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Row, interleaved, seconds
from shipway.domain.cdn import Cdn, Served, Side, Targets, batches, decide
from shipway.domain.purge import Purge
from shipway.domain.record import to_data
from shipway.drivers import driver
from shipway.ports import CdnAccess, CdnProvider
from shipway.store import open_ledger
from tests import varnish
from tests.conformance import cdn_lab
from tests.conformance.cdn_lab import Caches, Front

PATHS, TIMES = 10_000, 3
CACHE = 8718
ORIGIN = "http://shop.example"
RATIO = 1.5  # to the bare requests
DECIDED = 1000.0  # ms
TOKEN = "token"


def rows() -> list[Row]:
    """The ratio to the bare requests, and what comes before them."""
    targets, took = decided()
    found = [Row(f"CDN: {PATHS:,} changed files compared, and recorded", took * 1000, "ms", DECIDED)]
    urls = targets.paths
    with behind_varnish() as address:
        cdn = Cdn("varnish", caches=(address,), token="CDN_TOKEN")
        provider = driver("cdn", "varnish")(CdnAccess(cdn, varnish.TOKEN))
        found += compared("Varnish", lambda: bare_varnish(urls), lambda: purge(provider, targets))
    stand_in = Front(cdn_lab.cloudflare(Caches(), TOKEN))
    cdn = Cdn("cloudflare", zone="zone1", token="CDN_TOKEN")
    provider = driver("cdn", "cloudflare")(CdnAccess(cdn, TOKEN, endpoint=stand_in.address))
    found += compared(
        "Cloudflare (stand-in)", lambda: bare_cloudflare(stand_in.address, urls), lambda: purge(provider, targets)
    )
    stand_in.close()
    return found


def decided() -> tuple[Targets, float]:
    """What the two releases differ in, and how long it takes to find that and to write it into a ledger."""
    old = {f"chunk-{number:05}.js": "1" for number in range(PATHS)}
    new = dict.fromkeys(old, "2")
    cdn = Cdn("varnish", assets={"web": "/assets"}, paths=())
    found = [Targets()]

    def work() -> None:
        sides = [Side({"web": Served("/", (ORIGIN,), files=files)}, files["chunk-00000.js"]) for files in (old, new)]
        found[0] = decide(cdn, sides[0], sides[1], PATHS)
        ledger = open_ledger(Path(folder) / "ledger.db")
        number = ledger.begin_purge(Purge(0, "shop", "staging", 1, 2, 1, 2, "bench", "bench", 1.0))
        ledger.decide_purge(number, json.dumps(to_data(found[0])), found[0].text)
        ledger.close()

    with tempfile.TemporaryDirectory() as folder:
        open_ledger(Path(folder) / "ledger.db").close()
        took = seconds(work)
    assert len(found[0].paths) == PATHS
    return found[0], took


def purge(provider: CdnProvider, targets: Targets) -> None:
    """As a deployment does."""
    for number, batch in enumerate(batches(targets, provider.capabilities)):
        provider.purge(batch, str(number))


def compared(name: str, bare: object, ours: object) -> list[Row]:
    """Medians, in turn."""
    assert callable(bare)
    assert callable(ours)
    floor, took = interleaved([bare, ours], TIMES)
    return [
        Row(f"CDN: purge of {PATHS:,} paths, {name}, bare requests", floor, "s"),
        Row(f"CDN: purge of {PATHS:,} paths, {name}", took, "s"),
        Row(f"CDN: purge of {PATHS:,} paths, {name}, ratio to the bare requests", took / floor, "×", RATIO),
    ]


def bare_varnish(urls: tuple[str, ...]) -> None:
    """One request a path, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", CACHE)
    headers = {"Host": "shop.example", "Authorization": f"Bearer {varnish.TOKEN}"}
    for url in urls:
        connection.request("PURGE", url.removeprefix(ORIGIN), headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def bare_cloudflare(address: str, urls: tuple[str, ...]) -> None:
    """A hundred paths a request."""
    connection = http.client.HTTPConnection(address.partition("://")[2])
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for start in range(0, len(urls), 100):
        body = json.dumps({"files": urls[start : start + 100]})
        connection.request("POST", "/client/v4/zones/zone1/purge_cache", body, headers)
        assert json.load(connection.getresponse())["success"]
    connection.close()


@contextmanager
def behind_varnish() -> Iterator[str]:
    """The address of a Varnish in front of a server."""
    origin = Front(cdn_lab.origin)
    with varnish.varnish(CACHE, int(origin.address.rpartition(":")[2])) as address:
        yield address
    origin.close()


if __name__ == "__main__":
    for row in rows():
        print(f"{row.name}: {row.value:.3f} {row.unit}")
