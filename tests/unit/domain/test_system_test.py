"""Judgements of the system test."""

from __future__ import annotations

import json

import pytest

from shipway.domain import system_test as judge
from shipway.domain.launch import Load
from shipway.domain.record import to_data
from shipway.domain.release import Evidence
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Handshake, Page, Result, SystemTest

DAY = 86400.0
TEST = SystemTest(
    "shop", "staging", "http://x", 1, "v1", 0.0, 1.0, (Result("a", PASSED, "fine"), Result("b", NOT_TESTED, "why"))
)


def test_it_passes_if_nothing_failed_and_something_was_tested() -> None:
    assert TEST.passed
    assert TEST.headline == "1 passed, 0 failed, 1 not tested"
    assert not SystemTest("shop", "staging", "", 1, "", 0.0, 0.0, (Result("b", NOT_TESTED),)).passed
    bad = SystemTest("shop", "staging", "", 1, "", 0.0, 0.0, (*TEST.results, Result("c", FAILED, "bad", "do this")))
    assert not bad.passed
    assert judge.lines(bad) == ["✓ a  fine", "– b  not tested: why", "✗ c  bad", "    → do this"]


def test_it_comes_back_from_evidence() -> None:
    data = json.dumps(to_data(TEST))
    evidence = [Evidence("shop", 1, "staging", judge.KIND, "", True, data, 1.0)]
    assert judge.newest(evidence, "staging") == TEST
    assert judge.newest(evidence, "production") is None


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (Handshake(expires=30 * DAY, version="TLSv1.3"), PASSED),
        (Handshake(expires=20 * DAY), FAILED),
        (Handshake(problem="certificate has expired"), FAILED),
        (Handshake(problem="Hostname mismatch"), FAILED),
    ],
)
def test_certificates(seen: Handshake, outcome: str) -> None:
    assert judge.of_certificate("shop.example", seen, 0.0).outcome == outcome


def test_a_local_certificate_may_be_short() -> None:
    assert judge.of_certificate("x.localhost", Handshake(expires=DAY), 0.0, 3600.0).outcome == PASSED


def test_old_tls_must_be_refused_and_new_accepted() -> None:
    good, refused = Handshake(version="TLSv1.3"), Handshake(problem="protocol version")
    seen = {
        "TLSv1": Handshake(problem="no protocols available", able=False),
        "TLSv1.1": refused,
        "TLSv1.2": refused,
        "TLSv1.3": good,
    }
    assert [item.outcome for item in judge.of_protocols(seen)] == [NOT_TESTED, PASSED, PASSED]
    assert [item.outcome for item in judge.of_protocols(dict.fromkeys(seen, good))] == [FAILED, FAILED, PASSED]
    assert judge.of_protocols(dict.fromkeys(seen, refused))[-1].outcome == FAILED


def test_redirects_keep_the_path_and_are_permanent() -> None:
    target = "https://shop.example/a?b=1"
    assert judge.of_redirect("http", target, Page(308, {"location": target})).outcome == PASSED
    for page in (Page(302, {"location": target}), Page(301, {"location": "https://shop.example/"}), Page(200, {})):
        assert judge.of_redirect("http", target, page).outcome == FAILED


def test_headers_must_have_an_effect() -> None:
    required = ("Strict-Transport-Security", "X-Content-Type-Options", "X-Other")
    good = Page(
        200, {"strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff", "x-other": ""}
    )
    assert {item.outcome for item in judge.of_headers(good, required)} == {PASSED}
    bad = Page(200, {"strict-transport-security": "max-age=0", "x-content-type-options": "sniff"})
    assert {item.outcome for item in judge.of_headers(bad, required)} == {FAILED}


@pytest.mark.parametrize(
    ("page", "robots", "closed", "hidden"),
    [
        (Page(200, {}), None, False, False),
        (Page(200, {"x-robots-tag": "NoIndex, nofollow"}), None, False, True),
        (Page(200, {}, b'<meta name="robots" content="noindex">'), None, False, True),
        (Page(200, {}), Page(200, {}, b"User-agent: *\nDisallow: /\n"), False, True),
        (
            Page(200, {}),
            Page(200, {}, b"User-agent: Bad\nDisallow: /\n\nUser-agent: *\nDisallow: /admin\n"),
            False,
            False,
        ),
        (Page(200, {}), Page(404, {}, b"User-agent: *\nDisallow: /\n"), False, False),
        (Page(200, {}), None, True, True),
    ],
)
def test_search_engines(page: Page, robots: Page | None, closed: bool, hidden: bool) -> None:
    kept_out = judge.of_index(page, robots, wanted=False, closed=closed).outcome
    listed = judge.of_index(page, robots, wanted=True, closed=closed).outcome
    assert (kept_out, listed) == ((PASSED, FAILED) if hidden else (FAILED, PASSED))


def test_percentiles() -> None:
    assert judge.percentile([], 0.99) == 0.0
    assert judge.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert judge.percentile([float(number) for number in range(1, 101)], 0.99) == 99.0


def test_a_load_is_judged_by_errors_and_the_99th_percentile() -> None:
    load, fast = Load(10.0, 10.0, p99=0.5, errors=0.02), [0.1] * 100
    assert judge.of_load(load, fast, []).outcome == PASSED
    assert judge.of_load(load, fast, ["status 500"] * 2).outcome == PASSED
    assert judge.of_load(load, fast, ["status 500"] * 3).outcome == FAILED
    assert judge.of_load(load, [*fast[2:], 0.6, 0.7], []).outcome == FAILED
    assert judge.of_load(load, [*fast[2:], 0.6, 0.7], [], behind=True).outcome == NOT_TESTED
    assert judge.of_load(load, [], []).outcome == FAILED
