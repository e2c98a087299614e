"""What counts of a person's sign-in, and for how long."""

from __future__ import annotations

import pytest

from shipway.domain.people import (
    AHEAD,
    IDLE,
    LONGEST_PAUSE,
    LONGEST_SESSION,
    SESSION,
    TOKEN,
    Identity,
    SessionRecord,
    Token,
    network,
    password_problem,
    pause,
    session_is_valid,
)
from shipway.domain.permissions import ADMIN, ALL, DEVELOPER, PERMISSIONS, Grant

ADA = "ada@example.org"


@pytest.mark.parametrize(
    ("created", "seen", "now", "valid"),
    [
        (0, 0, IDLE - 1, True), (0, 0, IDLE, False), (0, 1000, IDLE + 999, True), (0, 1000, IDLE + 1000, False),
        (0, LONGEST_SESSION - 1, LONGEST_SESSION - 1, True), (0, LONGEST_SESSION - 1, LONGEST_SESSION, False),
        (5000, 5000, 5000 - AHEAD, True), (5000, 5000, 4999 - AHEAD, False), (0, 5000, 4999 - AHEAD, False),
    ],
)  # fmt: skip
def test_a_session_counts_for_a_time(created: float, seen: float, now: float, valid: bool) -> None:
    """The last ones: the clock was set back."""
    session = SessionRecord(1, ADA, "", "password", created, seen)
    assert session_is_valid(session, now) is valid
    assert not session_is_valid(SessionRecord(1, ADA, "", "password", created, seen, seen), now)


def test_pauses_grow_to_a_limit() -> None:
    assert [pause(number, 5) for number in (0, 4, 5, 6, 7, 8)] == [0, 0, 1, 2, 4, 8]
    assert [pause(number, 5) for number in (14, 100, 10**9)] == [LONGEST_PAUSE] * 3


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("a socket", "a socket"), ("", ""), ("a\0b\n\udcff" + "c" * 99, "ab" + "c" * 59),
    ],
)  # fmt: skip
def test_a_network_of_ipv6_is_one_address(address: str, shown: str) -> None:
    assert network(address) == shown


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "5 characters, fewer than 12"), ("x" * 1025, "1025 characters, more than 1024"), ("Ada@Example.Org", "the person's name"),
        ("ababababababab", "repeated"), ("correct horse battery", ""), ("пароль из слов", ""),
    ],
)  # fmt: skip
def test_passwords(password: str, why: str) -> None:
    found = password_problem(password, ADA)
    assert why in found
    assert bool(found) is bool(why)


def test_the_part_before_the_at_sign_is_the_name_too() -> None:
    assert "name" in password_problem("Adalovelace1815", "adalovelace1815@example.org")


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_token_may_what_it_was_made_for_and_its_person_may(permission: str) -> None:
    def may(grant: Grant, permissions: tuple[str, ...], app: str = ALL, environment: str = ALL) -> bool:
        token = Token(1, ADA, "CI", permissions, app, environment, 0.0, 9.0)
        return Identity(ADA, (grant,), TOKEN, 1, token=token).may(permission, "shop", "staging")

    everything = tuple(PERMISSIONS)
    others = tuple(name for name in PERMISSIONS if name != permission)
    admin, reach = Grant(ADA, ADMIN), PERMISSIONS[permission].reach
    assert Identity(ADA, (admin,), SESSION, 1).may(permission, "shop", "staging")
    assert may(admin, everything)
    assert not may(admin, others)
    assert not may(admin, everything, "blog")
    assert may(admin, everything, "shop", "staging") is (reach != "server")
    assert may(admin, everything, "shop", "production") is (reach == "app")
    developer = Grant(ADA, DEVELOPER)
    assert may(developer, everything) is Identity(ADA, (developer,), SESSION, 1).may(permission, "shop", "staging")
