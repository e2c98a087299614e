"""Codes of an authenticator app, against the vectors of the RFCs."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest

from shipway.domain.totp import PERIOD, code, enrolment, matching_step

SECRET = base64.b32encode(b"12345678901234567890").decode()  # of both RFCs
NOW = 59.0
STEP = 1


@pytest.mark.parametrize(
    ("at", "digits"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"), (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_vectors_of_rfc_6238(at: int, digits: str) -> None:
    """It has eight digits, of which these are the last six."""
    assert code(SECRET, at // PERIOD) == digits[2:]


def test_vectors_of_rfc_4226() -> None:
    assert [code(SECRET, step) for step in range(10)] == [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
    ]  # fmt: skip


@pytest.mark.parametrize(("step", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_counts(step: int, counts: bool) -> None:
    at = 1_000_000.0
    now = int(at) // PERIOD
    assert matching_step(SECRET, code(SECRET, now + step), at) == (now + step if counts else None)


@pytest.mark.parametrize("given", ["", "28708", "2870822", "28708a", "２８７０８２", "\udcff"])
def test_anything_else_is_no_code(given: str) -> None:
    assert matching_step(SECRET, given, NOW) is None


def test_all_steps_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time tells which one it was."""
    compared: list[object] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: compared.append(one) or real(one, two))
    assert matching_step(SECRET, code(SECRET, STEP - 1), NOW) == STEP - 1
    assert len(compared) == 3


def test_the_address_of_an_enrolment() -> None:
    found = urlsplit(enrolment(SECRET, "ada@example.org"))
    assert (found.scheme, found.netloc, found.path) == ("otpauth", "totp", "/Shipway%3Aada%40example.org")
    assert parse_qs(found.query) == {"secret": [SECRET], "issuer": ["Shipway"], "digits": ["6"], "period": ["30"]}
