"""CDNs: Varnish of Debian, moto's CloudFront, and stand-ins after the published APIs of the others."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from shipway.domain.cdn import PATH, TAG, Batch, Cdn
from shipway.domain.errors import CdnError
from shipway.drivers import driver
from shipway.ports import CdnAccess
from shipway.testing.cdn import BROKEN, LIMIT, REFUSED, RESET, SILENT, CdnSuite
from shipway.testing.memory_cdn import MemoryCdn
from tests import moto, varnish
from tests.conformance import cdn_lab
from tests.conformance.cdn_lab import Answer, Caches, Front, Request

pytestmark = pytest.mark.counterpart

CACHE, MOTO = 8710, 8711
TOKEN = "token-of-the-cdn"
PATIENCE = 60.0  # seconds for an answer that comes, on a busy machine too


class MemoryLab:
    def __init__(self) -> None:
        self.provider = self.memory = MemoryCdn()
        self.origin, self.token = "http://shop.example", TOKEN

    def keep(self, url: str, *tags: str) -> None:
        self.memory.keep(url, *tags)

    def kept(self, url: str) -> bool:
        return url in self.memory.kept

    def fail(self, how: str, times: int = 1) -> None:
        if times:
            error = CdnError(how, retry_after=7.0 if how == LIMIT else 0.0, refused=how == REFUSED)
            self.memory.fail("purge", error=error)


class TestMemory(CdnSuite):
    @pytest.fixture
    def lab(self) -> MemoryLab:
        return MemoryLab()


class Behind:
    """A provider behind a front that fails; it waits briefly only for an answer that never comes."""

    front: Front
    provider: Any

    def reach(self, name: str, access: CdnAccess) -> None:
        self._name, self._access = name, access
        self.fail("", 0)

    def fail(self, how: str, times: int = 1) -> None:
        self.front.fail(how, times)
        timeout = 1.0 if how == SILENT and times else PATIENCE
        self.provider = driver("cdn", self._name)(replace(self._access, timeout=timeout))


class StandInLab(Behind):
    """A provider of the stand-in, whose origin is its own address, so that it answers visitors too."""

    def __init__(self, name: str, make: Callable[[Caches, str], Callable[[Request], Answer]]) -> None:
        self.caches, self.token = Caches(), TOKEN
        self.front = Front(make(self.caches, TOKEN))
        self.origin = self.front.address
        cdn = Cdn(name, zone="zone1", token="CDN_TOKEN")
        self.reach(name, CdnAccess(cdn, TOKEN, endpoint=self.front.address))

    def keep(self, url: str, *tags: str) -> None:
        self.caches.urls[url] = tags

    def kept(self, url: str) -> bool:
        return url in self.caches.urls


@pytest.mark.parametrize("name", ["cloudflare", "fastly", "bunny"])
class TestStandIns(CdnSuite):
    @pytest.fixture
    def lab(self, name: str) -> Iterator[StandInLab]:
        lab = StandInLab(name, getattr(cdn_lab, name))
        yield lab
        lab.front.close()

    def test_a_wrong_token_names_the_secret(self, lab: StandInLab, name: str) -> None:
        cdn = Cdn(name, zone="zone1", token="CDN_TOKEN")
        wrong = driver("cdn", name)(CdnAccess(cdn, "another", endpoint=lab.front.address, timeout=PATIENCE))
        with pytest.raises(CdnError, match="refused") as caught:
            wrong.purge(Batch(PATH, (f"{lab.origin}/x",)), "x")
        assert caught.value.refused
        assert "CDN_TOKEN" in caught.value.hint
        assert "another" not in f"{caught.value} {caught.value.hint}"


class VarnishLab(Behind):
    def __init__(self, address: str, behind: Front) -> None:
        self.token, self.behind = varnish.TOKEN, behind
        self.front = Front(cdn_lab.forward(CACHE))
        self.address, self.origin = address, "http://shop.example:8080"
        cdn = Cdn("varnish", caches=(self.front.address,), token="CDN_TOKEN")
        self.reach("varnish", CdnAccess(cdn, self.token))

    def keep(self, url: str, *tags: str) -> None:
        self._get(url, " ".join(tags))
        assert self.kept(url)

    def kept(self, url: str) -> bool:
        """Whether the cache answers without a request to the server behind it; it is there afterwards."""
        before = len(self.behind.requests)
        self._get(url)
        return len(self.behind.requests) == before

    def _get(self, url: str, tags: str = "") -> None:
        path = url.removeprefix(self.origin)
        headers = {"Host": "shop.example:8080", "X-Tags": tags}
        with urllib.request.urlopen(
            urllib.request.Request(self.address + path, headers=headers), timeout=PATIENCE
        ) as answer:
            answer.read()


@pytest.fixture(scope="module")
def varnish_server() -> Iterator[tuple[str, Front]]:
    behind = Front(cdn_lab.origin)
    with varnish.varnish(CACHE, int(behind.address.rpartition(":")[2])) as address:
        yield address, behind
    behind.close()


class TestVarnish(CdnSuite):
    @pytest.fixture
    def lab(self, varnish_server: tuple[str, Front]) -> Iterator[VarnishLab]:
        lab = VarnishLab(*varnish_server)
        yield lab
        lab.front.close()

    def test_an_older_copy_has_an_age(self, lab: VarnishLab) -> None:
        lab.keep(f"{lab.origin}/aged")
        (answer,) = lab.provider.ask(f"{lab.origin}/aged")
        assert (answer.status, answer.age is not None, answer.validator) == (200, True, '"one"')

    def test_a_wrong_token_is_refused(self, lab: VarnishLab) -> None:
        cdn = Cdn("varnish", caches=(lab.address,), token="CDN_TOKEN")
        with pytest.raises(CdnError, match="status 403") as caught:
            driver("cdn", "varnish")(CdnAccess(cdn, "wrong", timeout=PATIENCE)).purge(
                Batch(PATH, (f"{lab.origin}/x",)), "x"
            )
        assert caught.value.refused

    def test_of_two_caches_each_is_purged(self, lab: VarnishLab) -> None:
        cdn = Cdn("varnish", caches=("http://127.0.0.1:1", lab.address), token="CDN_TOKEN")
        lab.keep(f"{lab.origin}/two")
        with pytest.raises(CdnError, match="can't be reached"):
            driver("cdn", "varnish")(CdnAccess(cdn, lab.token, timeout=PATIENCE)).purge(
                Batch(PATH, (f"{lab.origin}/two",)), "x"
            )
        assert not lab.kept(f"{lab.origin}/two")


class CloudFrontLab(Behind):
    """moto keeps the invalidations; what they mean is applied here."""

    def __init__(self, client: Any) -> None:
        self.client, self.token = client, "secret-key-of-aws"
        self.zone = moto.distribution(client)
        self.front = Front(self._answer)
        self.origin = self.front.address
        self.caches = Caches()
        self._forward = cdn_lab.forward(MOTO)
        cdn = Cdn("cloudfront", zone=self.zone, key="CDN_KEY", token="CDN_TOKEN")
        self.reach("cloudfront", CdnAccess(cdn, self.token, "key-id", endpoint=self.front.address))
        self._seen = set[str]()

    def _answer(self, request: Request) -> Answer:
        return cdn_lab.page(request) or self._forward(request)

    def keep(self, url: str, *tags: str) -> None:
        self._apply()
        self.caches.urls[url] = tags

    def kept(self, url: str) -> bool:
        self._apply()
        return url in self.caches.urls

    def _apply(self) -> None:
        for path in moto.invalidated(self.client, self.zone, self._seen):
            wild = path.endswith("*")
            self.caches.purge("prefix" if wild else PATH, f"{self.origin}{path.removesuffix('*')}")


@pytest.fixture(scope="module")
def cloudfront() -> Iterator[Any]:
    with moto.server(MOTO) as address:
        yield moto.client(address)


class TestCloudFront(CdnSuite):
    @pytest.fixture
    def lab(self, cloudfront: Any) -> Iterator[CloudFrontLab]:
        lab = CloudFrontLab(cloudfront)
        yield lab
        lab.front.close()

    def test_no_such_distribution(self, lab: CloudFrontLab) -> None:
        cdn = Cdn("cloudfront", zone="ENOSUCH", key="CDN_KEY", token="CDN_TOKEN")
        access = CdnAccess(cdn, lab.token, "key-id", endpoint=lab.front.address, timeout=PATIENCE)
        with pytest.raises(CdnError) as caught:
            driver("cdn", "cloudfront")(access).purge(Batch(PATH, (f"{lab.origin}/x",)), "x")
        assert caught.value.refused

    def test_it_knows_no_tags(self, lab: CloudFrontLab) -> None:
        assert not lab.provider.capabilities.can(TAG)


class CommandLab:
    """The team's command, as the documentation describes what it gets."""

    def __init__(self) -> None:
        self.caches, self.token = Caches(), TOKEN
        self.front = Front(lambda request: (200, {}, b"page"))
        self.origin = self.front.address
        self.faults: list[str] = []
        self.provider: Any = driver("cdn", "command")(CdnAccess(Cdn("command"), run=self.run))

    def run(self, variables: Mapping[str, str]) -> tuple[int, str]:
        if self.faults:
            return 1, self.faults[0]
        self.caches.purge(variables["SHIPWAY_PURGE_KIND"], *variables["SHIPWAY_PURGE"].splitlines())
        return 0, ""

    def keep(self, url: str, *tags: str) -> None:
        self.caches.urls[url] = tags

    def kept(self, url: str) -> bool:
        return url in self.caches.urls

    def fail(self, how: str, times: int = 1) -> None:
        self.faults = [how] * times


class TestCommand(CdnSuite):
    @pytest.fixture
    def lab(self) -> Iterator[CommandLab]:
        lab = CommandLab()
        yield lab
        lab.front.close()

    @pytest.mark.parametrize("how", [BROKEN, SILENT, RESET])
    def test_a_failure_that_passes(self, lab: CommandLab, how: str) -> None:  # type: ignore[override]
        assert how in self._failing(lab, how).message

    def test_too_many_requests(self, lab: CommandLab) -> None:  # type: ignore[override]
        """An exit code says nothing about when."""
        assert self._failing(lab, LIMIT).retry_after == 0

    def test_a_refused_token(self, lab: CommandLab) -> None:  # type: ignore[override]
        """Nor whether repeating is of no use."""
        assert not self._failing(lab, REFUSED).refused
