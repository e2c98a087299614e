"""Names of things on an engine fit a label of DNS, and no two are alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipway.domain import names

NAME = st.from_regex(r"\A[a-z]([a-z0-9-]{0,38}[a-z0-9])?\Z")
DIGEST = "sha256:" + "ab" * 32


def all_of(app: str, environment: str, service: str) -> list[str]:
    return [
        names.network(app, environment), names.rotation_network(app, environment), names.accessory(app, environment, service),
        names.snapshots(app, environment, service), names.replica(app, environment, service, 12345, DIGEST, 12),
    ]  # fmt: skip


@given(NAME, NAME, NAME)
def test_no_name_is_longer_than_a_label_of_dns(app: str, environment: str, service: str) -> None:
    found = all_of(app, environment, service)
    assert all(len(name) <= 63 for name in found)
    assert len(set(found)) == len(found)


def test_what_fits_stays_as_it_is() -> None:
    assert all_of("shop", "staging", "web") == [
        "shipway_shop_staging", "shipway_shop_staging_rotation", "shop_staging_web", "shop_staging_web.snapshots",
        "shop_staging_web_12345-ababab_12",
    ]  # fmt: skip


@given(st.lists(st.tuples(NAME, NAME, NAME), min_size=2, max_size=2, unique=True))
def test_two_environments_never_share_a_name(two: list[tuple[str, str, str]]) -> None:
    one, other = two
    assert not set(all_of(*one)[2:]) & set(all_of(*other)[2:])


def test_long_names_differ_by_what_was_cut() -> None:
    a, b = (names.replica("a" * 40, "b" * 40, "c" * 39 + last, 1, DIGEST, 1) for last in "de")
    assert a != b
    assert a.endswith("_1-ababab_1")
    assert "__" in a
