"""The CDN of an environment in a plan."""

from __future__ import annotations

import pytest

from shipway.domain.cdn import Cdn
from shipway.domain.errors import PlanError
from shipway.planfile import parse

PLAN = """\
app: shop
services:
  web: {image: web:1, port: 80, route: /, health: /, assets: /srv/assets}
  api: {image: api:1, port: 80, route: /api, health: /api/ok}
environments:
  staging:
    url: http://staging.shop.example
    cdn: CDN
"""


def read(text: str) -> Cdn:
    found = parse(PLAN.replace("CDN", text), "shipway.yaml").environments["staging"].cdn
    assert found is not None
    return found


def test_a_whole_one() -> None:
    text = "{provider: cloudflare, zone: 023e, token: TOKEN, assets: {web: /assets}, paths: [/, /news/*], tags: pages}"
    expected = Cdn(
        "cloudflare", zone="023e", token="TOKEN", assets={"web": "/assets"}, paths=("/", "/news/*"), tags=("pages",)
    )
    assert read(text) == expected
    assert read("{provider: varnish, caches: 'http://10.0.0.7:6081/'}").caches == ("http://10.0.0.7:6081",)
    assert read("{provider: varnish, caches: 'http://a', paths: []}").paths == ()
    assert read("{provider: command, command: {service: web, run: ./purge}}").paths is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{provider: cloudflare, token: TOKEN}", "`cloudflare` requires `zone`"),
        ("{provider: fastly, zone: a}", "`fastly` requires `token`"),
        ("{provider: cloudfront, zone: a, token: T}", "`cloudfront` requires `key`"),
        ("{provider: varnish}", "`varnish` requires `caches`"),
        ("{provider: command}", "`command` requires `command`"),
        ("{provider: varnish, caches: 'http://a', zone: b}", "has no effect with `varnish`"),
        ("{provider: cloudfront, zone: a, key: K, token: T, tags: x}", "can't purge by tag"),
        ("{provider: akamai}", "can't be `akamai`"),
        ("{provider: varnish, caches: 'http://a/path'}", "has a path"),
        ("{provider: varnish, caches: 'http://user:pw@a'}", "is not http:// or https:// with a host name"),
        ("{provider: varnish, caches: 'http://a', paths: news}", "a path such as /news"),
        ("{provider: varnish, caches: 'http://a', paths: '/a*b'}", "a path such as /news"),
        ("{provider: varnish, caches: 'http://a', assets: {api: /api/x}}", "has no `assets` folder"),
        ("{provider: varnish, caches: 'http://a', assets: {nosuch: /x}}", "nosuch"),
        ("{provider: command, command: {service: nosuch, run: x}}", "nosuch"),
    ],
)
def test_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        read(text)
    assert message in caught.value.message
